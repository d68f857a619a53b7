"""The sections of the Streamlit page; what they show is computed elsewhere."""
