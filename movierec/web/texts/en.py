"""The page in English."""

from movierec.data.schema import AGE_GROUPS, GENDERS, OCCUPATIONS

GENRES = (
    "Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy Film-Noir Horror "
    "Musical Mystery Romance Sci-Fi Thriller War Western unknown"
).split()

ENGLISH = {
    "language": "English",
    "title": "{model} film recommender",
    "intro": "Which films would this person rate 4 or 5? The model predicts the probability from "
    "13 fields about the person, the film and the time.",
    "loading": "Loading the data and the model …",
    "cannot_start": "The recommender cannot start: {reason}",
    "cannot_answer": "This request cannot be answered: {reason}.",
    "unexpected": "Something unexpected went wrong. Reload the page. If it happens again, tell the "
    "administrator this reference, which is in the log: {reference}",
    "small_data": "MovieLens 1M is not on this machine, so this page runs on MovieLens 100K. "
    "`make data` downloads ML-1M, and data/README.md says where to put it by hand.",
    "bad_link": "The link has {name} = “{value}”, which is not valid. Expected: {expected}. The "
    "page uses the default instead.",
    "tabs": {"user": "A MovieLens user", "new": "You, a new viewer"},
    "tab": "Recommend films to",
    # user search
    "who": "User number ({low}–{high}) or a description",
    "who_example": "42, or: woman 25-34 programmer sci-fi",
    "who_help": "Gender, age, occupation and favourite genres, in any order.",
    "random": "Random",
    "no_user": "There is no user {user}: {name} has the users {low} to {high}. Type one of these "
    "numbers, or describe a person.",
    "wanted": "Searching for: {wanted}. Matching users: {count:,}.",
    "unknown_words": "Not recognised: {words}. Try a gender, an age, an occupation or a genre.",
    "no_match": "No user matches. Remove a word, or start with only the gender or a genre.",
    "match": "{user} · {about}",
    "match_share": "{share:.0%} of likes",
    # user profile
    "user": "User {user}",
    "about": "A {gender}, age {age}, occupation {occupation}, zip code {zipcode}.",
    "rated": "Rated {rated:,} films {when} and gave {share:.0%} of them 4 or 5 (all users: "
    "{overall:.0%}).",
    "when_one": "in {first}",
    "when": "from {first} to {last}",
    "favourites": "Likes {genres} more often than users do on average.",
    "no_favourites": "No genre stands out compared with all users.",
    "based_on_user": "The model has an embedding for user {user}, learnt in training.",
    "charts": {
        "genres": "Genres",
        "decades": "Decades",
        "months": "Over time",
        "history": "All ratings",
    },
    "share": "share of liked films",
    "this_user": "this user",
    "overall": "all users",
    "chart_note": "Bar: this user's liked films. Mark: all users' liked films.",
    "month": "month (UTC)",
    "ratings": "ratings",
    "nothing_liked": "This user has given no film 4 or 5, so there is nothing to show here.",
    "history_find": "Search the titles",
    "history_none": "No rated film has “{text}” in its title. Clear the box to see all {count:,}.",
    "columns": {
        "film": "film",
        "year": "year",
        "genres": "genres",
        "rating": "rating",
        "date": "rated on",
        "similarity": "similarity",
    },
    # recommendations
    "recommended": "Recommended, best first",
    "to_films": "↓ To the recommended films",
    "order": "Order",
    "orders": {"for-you": "for you", "surest": "surest to be liked"},
    "order_notes": {
        "for-you": "Films that this person is likely to choose, judged by the films they like and "
        "by popularity, and likely to like. The bar: how likely a 4 or 5 is if they rate the film.",
        "surest": "The films with the highest probability of a 4 or 5 if they are rated, however "
        "unlikely this person is to choose them. Some are little known.",
    },
    "n": "How many",
    "year": "Target year",
    "target_month": "Target month",
    "time_help": "When the films would be rated. By default, when this person last rated a film.",
    "genre": "Genre",
    "decade": "Decade",
    "any": "any",
    "decade_name": "{decade}s",
    "fresh": "Hide well-known films",
    "fresh_help": "Leaves out the 10 % of films with the most ratings.",
    "compare": "Compare with {model}",
    "likely": "{probability:.1%} likely to be rated 4 or 5",
    "likely_most": "more than 99% likely to be rated 4 or 5",
    "few_raters": "uncertain: fewer than 20 ratings",
    "raters_many": "rated by {raters:,} people, mean\N{NO-BREAK SPACE}{mean:.1f}",
    "raters_one": "rated by one person, {mean:.0f}",
    "raters_none": "rated by nobody yet",
    "why": "Why?",
    "why_help": "Why this film: {title}",
    "no_films": "No unseen film passes these filters. Choose another genre or decade, or show "
    "well-known films again.",
    "fewer": "Only {count} unseen films pass these filters.",
    "unknown_time": "No training rating has {time}, so the model treats it as unknown.",
    "download": "Download as CSV",
    "link": "To share this view, copy the address of this page.",
    "both": "in both",
    "shared": "In both lists: {shared} of {count} films.",
    # explanation
    "why_title": "Why this film? · {model}",
    "why_turn": "Many people who liked one of these films also liked this one: {titles}",
    "why_turn_none": "This film is listed because many people have rated it; none of the films "
    "that this person likes raises its place.",
    "why_sum": "{title}: {probability:.1%} likely to be rated 4 or 5.",
    "ablation": "The score without each field",
    "ablation_note": "The prediction with one field at a time set to unknown. A bar to the left of "
    "the dashed line: the field raises the probability. To the right: the field lowers it.",
    "field": "field",
    "without": "without the field",
    "with_all": "with all fields",
    "attention": "Attention between fields",
    "attention_note": "How much each query field (row) attends to each key field (column), "
    "averaged over all heads. Attention shows where information can flow, not what caused the "
    "score. Uniform attention would be {uniform:.1%} in every cell; here the cells range from "
    "{low:.1%} to {high:.1%}.",
    "layers": "Layers",
    "all_layers": "average",
    "layer": "layer {number}",
    "query_field": "query field",
    "key_field": "key field",
    "weight": "attention",
    "near": "Rated films with the most similar embeddings",
    "near_note": "Cosine similarity of the films' embeddings. 1: the same direction; 0: nothing in "
    "common.",
    "near_none": "Nothing has been rated yet, so there is nothing to compare with.",
    "unknown": "unknown",
    "fields": {
        "user_id": "user",
        "gender": "gender",
        "age": "age",
        "occupation": "occupation",
        "zipcode": "zip code",
        "movie_id": "film",
        "genre1": "genre 1",
        "genre2": "genre 2",
        "genre3": "genre 3",
        "release_year": "release year",
        "release_decade": "release decade",
        "rating_year": "rating year",
        "rating_month": "rating month",
    },
    "new_user": "you (learnt now)",
    # new viewer
    "you": "About you",
    "you_note": "Everything is optional. Nothing is stored; what you enter becomes part of the "
    "address of this page.",
    "gender": "Gender",
    "age": "Age",
    "occupation": "Occupation",
    "zip": "US zip code",
    "rather_not": "prefer not to say",
    "rate": "Films you know",
    "rate_find": "Find a film by its title",
    "rate_example": "for example: matrix",
    "rate_none": "No film has “{text}” in its title. Titles are as in MovieLens: “Matrix, The”.",
    "rate_empty": "Rate a few films to adapt the list to your taste; five are a good start.",
    "rate_yours": "Your ratings",
    "forget": "Clear ratings",
    "based_on_nothing": "**Based on: nothing about you.** All your fields are unknown to the "
    "model, so every new viewer gets this list.",
    "based_on_profile": "**Based on: your profile.** The model has no embedding for you, so it "
    "uses the unknown user's embedding with your profile.",
    "based_on_ratings": "**Based on: your profile and your ratings ({count}).** The model has just "
    "learnt an embedding for you from the ratings (fold-in). The model itself is unchanged, and "
    "nothing is stored.",
    "scoring": "Scoring all films …",
    # quality
    "quality": "How good are these predictions?",
    "quality_note": "On test ratings that the models were not trained on ({rows:,} ratings, "
    "{users:,} users). The movie mean ranks films by their share of ratings of 4 or 5, which is "
    "the same list for everybody. A model's lead over it comes from its knowledge of the person.",
    "quality_missing": "The evaluation table is missing: `make evaluate` writes it.",
    "metrics": {
        "ranker": "ranker",
        "ndcg_original@10": "NDCG@10 (original)",
        "recall@10": "Recall@10",
        "auc": "AUC",
        "logloss": "LogLoss",
    },
    "movie_mean": "movie mean (baseline)",
    "reliability": "Are the probabilities calibrated?",
    "reliability_note": "Test ratings grouped by predicted probability: the share of each group "
    "that was really 4 or 5. On the dashed line, the predicted probabilities are exactly right.",
    "reliability_missing": "The reliability table is missing: `make evaluate` writes it.",
    "predicted": "predicted probability",
    "liked": "share rated 4 or 5",
    "rows": "ratings",
    # names of values
    "genders": dict(GENDERS),
    "ages": dict(AGE_GROUPS),
    "occupations": dict(enumerate(OCCUPATIONS)),
    "genres": {genre: genre for genre in GENRES},
    "synonyms": {
        "gender": {"female": "F", "f": "F", "women": "F", "male": "M", "m": "M", "men": "M"},
        "age": {"56+": 56, "child": 1, "kid": 1},
        "occupation": {"student": 4, "teacher": 1, "engineer": 17, "doctor": 6},
        "genre": {
            "scifi": "Sci-Fi",
            "science fiction": "Sci-Fi",
            "noir": "Film-Noir",
            "children": "Children's",
            "musicals": "Musical",
            "comedies": "Comedy",
            "dramas": "Drama",
            "westerns": "Western",
            "thrillers": "Thriller",
        },
    },
    "stop_words": "a an and or the who with likes like liking loves love of old years year user "
    "films film movies movie in is from",
}
