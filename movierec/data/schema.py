"""Column names, the label, and the names of coded values."""

USER, MOVIE, RATING, TIMESTAMP = "user_id", "movie_id", "rating", "timestamp"

RATINGS = 5  # ratings are whole numbers from 1 to 5
LIKED = 4  # a rating of 4 or more has the label 1
YEARS = range(1995, 2101)  # years in which a rating can be given

USER_FEATURES = (USER, "gender", "age", "occupation", "zipcode")
MOVIE_FEATURES = (MOVIE, "genre1", "genre2", "genre3", "release_year", "release_decade")
TIME_FEATURES = ("rating_year", "rating_month")
FEATURES = USER_FEATURES + MOVIE_FEATURES + TIME_FEATURES
MOVIE_COLUMNS = slice(len(USER_FEATURES), len(USER_FEATURES + MOVIE_FEATURES))

GENDERS = {"F": "woman", "M": "man"}
AGE_GROUPS = {
    1: "under 18",
    18: "18–24",
    25: "25–34",
    35: "35–44",
    45: "45–49",
    50: "50–55",
    56: "56 or older",
}
OCCUPATIONS = (
    "other or not specified, academic/educator, artist, clerical/admin, college/grad student, "
    "customer service, doctor/health care, executive/managerial, farmer, homemaker, K-12 student, "
    "lawyer, programmer, retired, sales/marketing, scientist, self-employed, technician/engineer, "
    "tradesman/craftsman, unemployed, writer"
).split(", ")  # the index is ML-1M's number
