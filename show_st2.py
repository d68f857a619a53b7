"""AutoInt+'s recommendations: `streamlit run show_st2.py`."""

from movierec import app

app.page("autointmlp")
