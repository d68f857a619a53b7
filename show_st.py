"""AutoInt's recommendations: `streamlit run show_st.py`."""

from movierec.web import page

page.show("autoint")
