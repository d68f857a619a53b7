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
    "{fields} fields about the person, the film and the time.",
    "loading": "Loading the data and the model …",
    "cannot_start": "The recommender cannot start: {reason}",
    "cannot_answer": "This request cannot be answered: {reason}.",
    "unexpected": "Something unexpected went wrong. Reload the page. If it happens again, tell the "
    "administrator this reference, which is in the log: {reference}",
    "small_data": "MovieLens 1M is not on this machine, so this page runs on MovieLens 100K. "
    "`make data` downloads ML-1M, and data/README.md says where to put it by hand.",
    "bad_link": "The address has {name} = “{value}”, but it must be {expected}. The page uses the "
    "default instead.",
    "expected": {
        "about": "fields of the profile and their values",
        "between": "a whole number from {low} to {high}",
        "choice": "one of: {options}",
        "text": "a text of at most {most} characters",
        "movie": "the number of a film in {name}",
        "movies": "a list of at most {most} different film numbers, such as 50,318",
        "ratings": "a list of at most {most} film numbers, each with a rating from {low} to "
        "{high}, such as 50:{high},318:{low}",
    },
    "other_page": "This view in {model}",
    "tabs": {"user": "A MovieLens user", "new": "You, a new viewer"},
    "tab": "Recommend films to",
    # user search
    "who": "User number ({low}–{high}) or a description",
    "who_example": "42, or: woman 25-34 programmer sci-fi",
    "who_help": "Gender, age, occupation and genres, in any order. “not” and “hates” exclude what "
    "follows: woman not student hates horror.",
    "random": "Random",
    "no_user": "There is no user {user}: {name} has the users {low} to {high}. Type one of these "
    "numbers, or describe a person.",
    "wanted": "Searching for: {wanted}. Matching users: {count:,}.",
    "unknown_words": "Not recognised: {words}. Try a gender, an age, an occupation or a genre.",
    "no_match": "No user matches. Remove a word, or start with only the gender or a genre.",
    "is_excluded": "not {name}",
    "disliked_means": "Here, a person dislikes a genre if they rated at least {least} of its films "
    "and gave at most {most:.0%} of them 4 or 5.",
    "match": "{user} · {about}",
    "match_share": "{share:.0%} of likes",
    # user profile
    "user": "User {user}",
    "about": "A {gender}, age {age}, occupation {occupation}, zip code {zipcode}.",
    "rated_undated": "Rated {rated:,} films and gave {share:.0%} of them 4 or 5 (all users: "
    "{overall:.0%}).",
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
    "history_none": "No rated film is called “{text}”. Clear the box to see all {count:,}.",
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
    "orders": {
        "for-you": "for you",
        "surest": "surest to be liked",
        "carry-on": "carry on",
    },
    "order_notes": {
        "for-you": "Films that this person is likely to choose and to like. The number: how likely "
        "a 4 or 5 is if they rate the film.",
        "surest": "The films with the highest probability of a 4 or 5 if they are rated, however "
        "unlikely this person is to choose them.",
        "carry-on": "Films that people rate after the last films in this history, and like. The "
        "number: how likely a 4 or 5 is if this person rates the film.",
    },
    "more": "More",
    "raters": "Rated by at least",
    "raters_help": "Only films rated by at least this many people.",
    "adventure": "Popular or adventurous",
    "adventure_help": "How much a film’s popularity counts in the order. The order that was "
    "evaluated is in the middle; at the right end popularity does not count. “Surest to be liked” "
    "does not use popularity.",
    "adventures": {
        -2: "most popular",
        -1: "more popular",
        0: "as evaluated",
        1: "more adventurous",
        2: "most adventurous",
    },
    "only_like": "Like {title}",
    "only_hidden": "Not interested: {count}",
    "only_seen": "Seen: {count}",
    "only_raters": "At least {raters:,} ratings",
    "only_time": "Another target time",
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
    "few_raters": "uncertain: fewer than 20 ratings",
    "raters_many": "rated by {raters:,} people, mean\N{NO-BREAK SPACE}{mean:.1f}",
    "raters_one": "rated by one person, {mean}",
    "raters_none": "rated by nobody yet",
    "why": "Why?",
    "card_menu": "More about {title}",
    "seen_it": "Seen it? Rate it:",
    "your_rating": "Your rating of {title}",
    "stars": "{stars} of {most}",
    "chosen": "I chose it",
    "like": "More like this",
    "not_interested": "Not interested",
    "watch_add": "Add to the watch list",
    "watch_remove": "Remove from the watch list",
    "watch_list": "Watch list ({count})",
    "watch_empty": "Nothing yet. The menu beside a film adds it; the address of this page keeps "
    "it.",
    "watch_drop": "Remove {title} from the watch list",
    "no_films": "No unseen film passes these filters. Remove one of them.",
    "fewer": "Unseen films that pass these filters: {count}.",
    "unknown_time": "No training rating has {time}, so the model treats it as unknown.",
    "unlikely": "Even the best film of this list has a probability of only {best}: this person is "
    "more likely to give each of these films 3 or less.",
    "meaning": "What the numbers mean, and where they were checked",
    "meaning_number": "The number beside a film is the probability that this person gives it 4 or "
    "5 **if they rate it**. It is not the probability that they watch it.",
    "meaning_checked": "On {rows:,} test ratings of {users:,} people, which the model was not "
    "trained on, predicted probabilities and actual shares differ by {error:.1%} on average. "
    "These are films that people had chosen themselves; for films that a list chooses the "
    "difference can be larger.",
    "catalogue": "How often the list of ten contains the last film that a person liked, which was "
    "left out of training ({users:,} people, all films that they had not rated):",
    "catalogue_missing": "Lists out of all films were evaluated on MovieLens 1M only.",
    "catalogue_other": "{model} was not evaluated on lists out of all films; the table has the "
    "lists of {other}.",
    "baselines": {"number of ratings of the movie": "popularity", "EASE": "EASE (a linear model)"},
    "meaning_data": "The data cover films released from {first_release} to {last_release} and "
    "ratings from {first_rating} to {last_rating}. Nothing newer is known here.",
    "citation": "Data: MovieLens. F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens "
    "Datasets: History and Context. ACM Transactions on Interactive Intelligent Systems 5, 4, "
    "Article 19. https://doi.org/10.1145/2827872",
    "download": "Download as CSV",
    "link": "To share this view, copy the address of this page.",
    "both": "in both",
    "shared": "In both lists: {shared} of {count} films.",
    # explanation
    "why_title": "Why this film? · {model}",
    "gave": "{stars} to **{title}**",
    "and": " and ",
    "why_turn": {
        "user": "This person gave {given}. People who liked the same often turned to this film.",
        "new": "You gave {given}. People who liked the same often turned to this film.",
    },
    "why_next": {
        "user": "Last, this person gave {given}. People who rated the same often rated this film "
        "next.",
        "new": "Last, you gave {given}. People who rated the same often rated this film next.",
    },
    "why_turn_none": "This film is listed because many people have rated it; none of the films "
    "that this person likes raises its place.",
    "why_sum": "**{title}**: {probability} likely to be rated 4 or 5.",
    "change_title": "What each field adds",
    "change": "change of the log-odds",
    "change_note": "The difference of the log-odds, log(p / (1 − p)), between the prediction with "
    "all fields ({probability}) and the one with this field unknown. To the right: the field "
    "raises the probability. To the left: it lowers it.",
    "field": "field",
    "without": "probability without the field",
    "attention": "Attention between fields",
    "attention_can": "Attention shows which fields the interacting layers mix, and so where "
    "information can flow. It does not show what decided the score.",
    "attention_cannot": "Over {recommendations:,} recommendations, the rank correlation between "
    "the attention that a field receives and the size of its bar above is {correlation:.2f}. With "
    "the bars of another recommendation it is {other:.2f}, so attention says little about one "
    "film.",
    "attention_note": "How much each query field (row) attends to each key field (column), "
    "averaged over all heads. Uniform attention would be {uniform:.1%} in every cell; here the "
    "cells range from {low:.1%} to {high:.1%}.",
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
    # where the data say only what was chosen, not how it was rated
    "implicit": {
        "raters_many": "chosen by {raters:,} people",
        "raters_one": "chosen by one person",
        "raters_none": "chosen by nobody yet",
        "seen_it": "Do you have it already?",
        "intro": "What would this person choose? The model predicts the probability from {fields} "
        "fields about the person, the film and the time.",
        "rated": "Chose {rated:,} films {when}.",
        "rated_undated": "Chose {rated:,} films.",
        "order_notes": {
            "for-you": "Films that this person is likely to choose. The number compares each film "
            "with ones that were not chosen.",
            "surest": "The films with the highest number, which compares each film with ones that "
            "were not chosen.",
            "carry-on": "Films that people choose after the last films in this history.",
        },
        "meaning_number": "The number beside a film compares it with films that were **not** "
        "chosen: how likely it is that this person chose it, rather than one of them.",
        "gave": "**{title}**",
        "why_turn": {
            "user": "This person chose {given}. People who chose the same often chose this too.",
            "new": "You chose {given}. People who chose the same often chose this too.",
        },
        "why_next": {
            "user": "Last, this person chose {given}. People who chose the same often chose this "
            "next.",
            "new": "Last, you chose {given}. People who chose the same often chose this next.",
        },
        "why_sum": "**{title}**: {probability} against films that were not chosen.",
        "unlikely": "Even for the best film of this list the number is only {best}.",
    },
    # new viewer
    "profile": "{name}: {value}",
    "you": "About you (optional)",
    "you_note": "Nothing is stored; what you enter becomes part of the address of this page.",
    "gender": "Gender",
    "age": "Age",
    "occupation": "Occupation",
    "zip": "US zip code",
    "rather_not": "prefer not to say",
    "zip_invalid": "“{zip}” is not a US zip code, which has five digits. The model treats it as "
    "unknown.",
    "zip_unknown": "Nobody in the data has the zip code {zip}, so the model treats it as unknown.",
    "rate": "Films you know",
    "rate_note": "One tap rates a film, the same tap again removes the rating. Five ratings are a "
    "good start.",
    "rate_find": "Find another film",
    "rate_example": "for example: the matrix",
    "rate_none": "No film is called “{text}”.",
    "rate_similar": "No film is called “{text}”; these titles are similar.",
    "rate_end": "The data end with films of {last_release}.",
    "changed": "**{new} of {count} films are new** since you changed your ratings.",
    "changed_for": "Because you liked **{liked}**: {titles}",
    "changed_taste": "Because your embedding was learnt again from all your ratings: {titles}",
    "forget": "Clear ratings",
    "based_on_nothing": "**Based on: nothing about you.** All your fields are unknown to the "
    "model, so every new viewer gets this list.",
    "based_on_profile": "**Based on: your profile.** The model has no embedding for you, so it "
    "uses the unknown user's embedding with your profile.",
    "based_on_ratings": "**Based on: your profile and your ratings ({count}).** The model has just "
    "learnt an embedding for you from the ratings (fold-in). The model itself is unchanged, and "
    "nothing is stored.",
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
        "auc": "AUC (all rows)",
        "logloss": "LogLoss",
        "hit_ratio@10": "Hit Ratio@10",
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
    "stop_words": "a an the who with likes like liking loves love but of old years year user "
    "films film movies movie in is are does do from any anything",
    "negations": "not no non never without except hates hate hating dislikes dislike disliking "
    "doesn't don't isn't",
    "negations_after": "",
    "joining": "and or nor",
}
