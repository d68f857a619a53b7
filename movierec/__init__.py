"""Supporting package of the AutoInt movie recommender: data, training, evaluation, serving."""

import os

# TensorFlow's C++ start-up notes (no GPU found, oneDNN is on) say nothing a user can act on.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
