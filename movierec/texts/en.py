"""The page in English."""

from movierec.datasets import AGE_GROUPS, GENDERS, OCCUPATIONS

GENRES = (
    "Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy Film-Noir Horror "
    "Musical Mystery Romance Sci-Fi Thriller War Western unknown"
).split()

ENGLISH = {
    "language": "English",
    "title": "{model} film recommender",
    "intro": "What would this person rate 4 or 5? The model reads 13 fields about the person, the "
    "film and the time, and answers with a probability.",
    "loading": "Loading the data and the model …",
    "cannot_start": "The recommender cannot start: {reason}",
    "cannot_answer": "That cannot be answered: {reason}.",
    "small_data": "MovieLens 1M is not on this machine, so this page runs on MovieLens 100K. "
    "`make data` fetches ML-1M, and data/README.md says where to put it by hand.",
    "bad_link": "The link asks for {name} = “{value}”, which is not one of {expected}. The page "
    "shows its default instead.",
    "tabs": {"user": "A MovieLens user", "new": "You, a new viewer"},
    "tab": "Whose films?",
    # choosing a user
    "who": "User number ({low}–{high}) or a description",
    "who_example": "42, or: woman 25-34 programmer sci-fi",
    "who_help": "Gender, age, occupation and favourite genres, in any order.",
    "random": "Anyone",
    "no_user": "There is no user {user}: {name} has the users {low} to {high}. Type one of these "
    "numbers, or describe somebody.",
    "understood": "Understood: {wanted}. Users who fit: {count:,}.",
    "foreign": "Not understood: {words}. Try a gender, an age, an occupation or a genre.",
    "nobody": "Nobody fits. Take a word away, or start with the gender or a genre alone.",
    "match": "{user} · {about}",
    "match_share": "{share:.0%} of their likes",
    # portrait
    "user": "User {user}",
    "about": "A {gender}, {age} years old, {occupation}, zip code {zipcode}.",
    "rated": "Rated {rated:,} films, {when}, and liked {share:.0%} of them, that is, gave 4 or 5 "
    "(everyone: {everyone:.0%}).",
    "when_one": "all in {first}",
    "when": "from {first} to {last}",
    "favourites": "Likes {genres} more often than most.",
    "no_favourites": "No genre stands out against everyone's taste.",
    "way_user": "The model knows this person: it learnt an embedding for user {user} in training.",
    "charts": {
        "genres": "Genres",
        "decades": "Decades",
        "months": "When",
        "history": "All they rated",
    },
    "share": "share of liked films",
    "this_user": "this user",
    "everyone": "everyone",
    "chart_note": "Bar: this user's liked films. Mark: everybody's.",
    "month": "month (UTC)",
    "ratings": "ratings",
    "nothing_liked": "This user has rated no film 4 or more, so there is no taste to draw.",
    "history_find": "Find in the titles",
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
    "down": "↓ To the recommended films",
    "n": "How many",
    "year": "Target year",
    "target_month": "Target month",
    "time_help": "When the films would be rated. Empty: when this person last rated.",
    "genre": "Genre",
    "decade": "Decade",
    "any": "any",
    "decade_name": "{decade}s",
    "fresh": "Hide the well-known",
    "fresh_help": "Leaves out the tenth of all films with the most ratings.",
    "compare": "Compare with {model}",
    "likely": "{probability:.1%} likely to give 4 or 5",
    "crowd": "rated by {raters:,} people, mean\N{NO-BREAK SPACE}{mean:.1f}",
    "crowd_one": "rated by one person, {mean:.0f}",
    "crowd_none": "rated by nobody yet",
    "why": "Why?",
    "why_help": "Why this film: {title}",
    "no_films": "No unseen film passes these filters. Choose another genre or decade, or show the "
    "well-known again.",
    "fewer": "Only {count} unseen films pass these filters.",
    "unknown_time": "No training rating is from {time}: the model takes it as unknown.",
    "download": "Download as CSV",
    "link": "The address of this page reproduces what you see: copy it to share.",
    "both": "in both",
    "shared": "In both lists: {shared} of {count} films.",
    # explanation
    "why_title": "Why this film? · {model}",
    "why_sum": "{title}: {probability:.1%} likely to get 4 or 5.",
    "attention": "What the attention looked at",
    "attention_note": "How much each field (row) looked at each other (column) when the layers "
    "mixed them. It shows where information could flow, not what caused the score. Even "
    "attention would be {even:.1%} in every cell; here the cells range from {low:.1%} to "
    "{high:.1%}.",
    "layers": "Layers",
    "all_layers": "average",
    "layer": "layer {number}",
    "heads": "Averaged over all heads.",
    "looks": "field that looks",
    "looked_at": "field looked at",
    "weight": "attention",
    "left_out": "The score without each field",
    "left_out_note": "The model was asked again with one field unknown at a time. A bar to the "
    "left of the dashed line: the field speaks for the film; to the right: against it.",
    "field": "field",
    "without": "probability without the field",
    "as_is": "probability as it is",
    "near": "Rated films that are most like it to the model",
    "near_note": "Cosine of the films' embeddings. 1: the same direction; 0: nothing in common.",
    "near_none": "Nothing is rated yet, so there is nothing to compare with.",
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
        "release_year": "released",
        "release_decade": "decade",
        "rating_year": "rated in year",
        "rating_month": "rated in month",
    },
    "new_user": "you, learnt",
    # new viewer
    "you": "About you",
    "you_note": "All of it is optional. Nothing is stored; what you enter stands in the address of "
    "this page.",
    "gender": "Gender",
    "age": "Age",
    "occupation": "Occupation",
    "zip": "US zip code",
    "rather_not": "rather not say",
    "rate": "Films you know",
    "rate_find": "Find a film by its title",
    "rate_example": "such as: matrix",
    "rate_none": "No film has “{text}” in its title. Titles are as in MovieLens: “Matrix, The”.",
    "rate_empty": "Rate a few films and the list follows your taste; five are a good start.",
    "rate_yours": "Your ratings",
    "forget": "Forget them",
    "way_nothing": "**Used: nothing about you.** Every personal field is unknown to the model, so "
    "this list is what suits anybody.",
    "way_profile": "**Used: your profile.** The model does not know you; it takes the unknown "
    "user's embedding and your profile.",
    "way_ratings": "**Used: your profile and {count} of your ratings (fold-in).** An embedding "
    "was learnt for you from them just now; the model itself is unchanged and nothing is stored.",
    "asking": "Asking the model …",
    # quality
    "quality": "How far to trust these numbers",
    "quality_note": "On test ratings that the models never saw ({rows:,} ratings, {users:,} "
    "users). The movie mean gives everybody the same list, best average first: what a model "
    "adds to it is what it knows about the person.",
    "quality_missing": "The evaluation table is not there: `make evaluate` writes it.",
    "metrics": {
        "ranker": "ranker",
        "ndcg_original": "NDCG@10 (original)",
        "recall": "Recall@10",
        "auc": "AUC",
        "logloss": "LogLoss",
    },
    "mean_ranker": "movie mean (baseline)",
    "reliability": "Does 80 % mean 80 %?",
    "reliability_note": "Test ratings sorted by predicted probability: how many of them were "
    "really 4 or 5. On the dashed line a probability means what it says.",
    "reliability_missing": "The table is not there: `python -m movierec.reliability` writes it.",
    "predicted": "predicted probability",
    "liked": "share rated 4 or 5",
    "rows": "ratings",
    # names of values
    "genders": dict(GENDERS),
    "ages": dict(AGE_GROUPS),
    "occupations": dict(enumerate(OCCUPATIONS)),
    "genres": {genre: genre for genre in GENRES},
    "also": {
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
    "idle": "a an and or the who with likes like liking loves love of old years year user films "
    "film movies movie in is from",
}
