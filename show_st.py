"""AutoInt's recommendations: `streamlit run show_st.py`."""

from movierec import app

app.page("autoint")
