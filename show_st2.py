"""AutoInt+'s recommendations: `streamlit run show_st2.py`."""

from movierec.web import page

page.show("autointmlp")
