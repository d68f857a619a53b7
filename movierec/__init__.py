"""Supporting package of the AutoInt movie recommender: data, training, evaluation, serving."""
