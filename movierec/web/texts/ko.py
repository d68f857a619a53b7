"""The page in Korean."""

OCCUPATIONS = (
    "기타·밝히지 않음, 학자·교육자, 예술가, 사무직, 대학생·대학원생, 고객 서비스, 의사·의료직, "
    "임원·관리자, 농부, 주부, 초중고생, 변호사, 프로그래머, 은퇴자, 영업·마케팅, 과학자, 자영업자, "
    "기술자·엔지니어, 기능공·장인, 무직, 작가"
).split(", ")

KOREAN = {
    "language": "한국어",
    "title": "{model} 영화 추천",
    "intro": "이 사람은 어떤 영화에 4점이나 5점을 줄까요? 모델은 사람, 영화, 시점에 관한 "
    "{fields}개 필드로 그 확률을 예측합니다.",
    "loading": "데이터와 모델을 불러오는 중 …",
    "cannot_start": "추천을 시작할 수 없습니다: {reason}",
    "cannot_answer": "답할 수 없는 요청입니다: {reason}.",
    "unexpected": "예상하지 못한 오류가 생겼습니다. 페이지를 새로 고쳐 주세요. 다시 생기면 "
    "관리자에게 로그에 적힌 다음 번호를 알려 주세요: {reference}",
    "small_data": "이 컴퓨터에 MovieLens 1M이 없어 MovieLens 100K로 보여 드립니다. `make data`를 "
    "실행하면 ML-1M을 받아 오며, 직접 넣는 방법은 data/README.md에 있습니다.",
    "bad_link": "주소에 있는 {name} 값 “{value}”을 쓸 수 없습니다. 쓸 수 있는 값: {expected}. 대신 "
    "기본값으로 보여 드립니다.",
    "expected": {
        "about": "프로필의 필드와 값",
        "between": "{low}부터 {high}까지의 정수",
        "choice": "{options} 가운데 하나",
        "text": "{most}자 이하의 글",
        "movie": "{name}에 있는 영화 번호",
        "movies": "서로 다른 영화 번호 {most}개 이하(예: 50,318)",
        "ratings": "영화 번호와 평점 {low}–{high}의 쌍 {most}개 이하(예: 50:{high},318:{low})",
    },
    "other_page": "같은 화면을 {model} 모델로 보기",
    "tabs": {"user": "MovieLens 사용자", "new": "나 (새 시청자)"},
    "tab": "누구에게 추천할까요?",
    "who": "사용자 번호({low}–{high}) 또는 설명",
    "who_example": "42 또는: 여성 25-34 프로그래머 SF",
    "who_help": "성별, 나이, 직업, 장르를 어떤 순서로든 적어 주세요. ‘공포 싫어하는’, ‘학생 "
    "제외’처럼 뺄 조건도 적을 수 있습니다.",
    "random": "아무나",
    "no_user": "{user}번 사용자는 없습니다. {name}의 사용자 번호는 {low}부터 {high}까지입니다. 이 "
    "가운데 하나를 입력하거나 어떤 사람인지 적어 주세요.",
    "wanted": "찾는 조건: {wanted}. 해당하는 사용자: {count:,}명.",
    "unknown_words": "인식하지 못한 말: {words}. 성별, 나이, 직업, 장르로 적어 주세요.",
    "no_match": "해당하는 사람이 없습니다. 조건을 하나 빼거나 성별이나 장르만으로 찾아 보세요.",
    "is_excluded": "{name} 제외",
    "disliked_means": "어떤 장르의 영화를 {least}편 이상 평가하고 그중 {most:.0%} 이하에만 "
    "4점이나 5점을 준 사람을 그 장르를 싫어하는 사람으로 봅니다.",
    "match": "{user}번 · {about}",
    "match_share": "좋아한 영화의 {share:.0%}",
    "user": "{user}번 사용자",
    "about": "{gender}, {age}, {occupation}, 우편번호 {zipcode}.",
    "rated_undated": "영화 {rated:,}편을 평가했고, 그중 {share:.0%}에 4점이나 5점을 주었습니다"
    "(전체 사용자: {overall:.0%}).",
    "rated": "{when} 영화 {rated:,}편을 평가했고, 그중 {share:.0%}에 4점이나 5점을 주었습니다"
    "(전체 사용자: {overall:.0%}).",
    "when_one": "{first}에",
    "when": "{first}부터 {last}까지",
    "favourites": "다른 사람보다 자주 좋아하는 장르: {genres}.",
    "no_favourites": "전체 사용자와 뚜렷이 다른 장르 취향은 없습니다.",
    "based_on_user": "모델에는 학습 때 얻은 {user}번 사용자의 임베딩이 있습니다.",
    "charts": {
        "genres": "장르",
        "decades": "연대",
        "months": "평가 시기",
        "history": "평가한 영화",
    },
    "share": "좋아한 영화 중 비율",
    "this_user": "이 사용자",
    "overall": "전체",
    "chart_note": "막대: 이 사용자가 좋아한 영화. 눈금: 전체 사용자.",
    "month": "월(UTC)",
    "ratings": "평가 수",
    "nothing_liked": "4점 이상을 준 영화가 없어 보여 드릴 것이 없습니다.",
    "history_find": "제목에서 찾기",
    "history_none": "평가한 영화 가운데 “{text}”에 맞는 제목이 없습니다. 칸을 비우면 "
    "{count:,}편이 모두 보입니다.",
    "columns": {
        "film": "영화",
        "year": "연도",
        "genres": "장르",
        "rating": "평점",
        "date": "평가일",
        "similarity": "유사도",
    },
    "recommended": "추천 영화 (높은 순)",
    "to_films": "↓ 추천 영화로 가기",
    "order": "순서",
    "orders": {
        "for-you": "맞춤",
        "surest": "확실한 순",
        "carry-on": "이어 보기",
    },
    "order_notes": {
        "for-you": "이 사람이 고를 만하고 좋아할 만한 영화입니다. 숫자는 이 영화를 평가한다면 4점 "
        "이상을 줄 확률입니다.",
        "surest": "평가한다면 4점 이상을 줄 확률이 가장 높은 영화입니다. 이 사람이 고를 만한 "
        "영화인지는 따지지 않습니다.",
        "carry-on": "마지막에 평가한 영화들 다음에 사람들이 평가하고 좋아한 영화입니다. 숫자는 이 "
        "영화를 평가한다면 4점 이상을 줄 확률입니다.",
    },
    "more": "더 보기",
    "raters": "최소 평가 인원",
    "raters_help": "적어도 이만큼의 사람이 평가한 영화만 보여 줍니다.",
    "adventure": "인기작 또는 모험",
    "adventure_help": "순서를 정할 때 인기도를 얼마나 반영할지 고릅니다. 가운데가 성능을 측정한 "
    "순서이고, 오른쪽 끝에서는 인기도를 반영하지 않습니다. ‘확실한 순’은 인기도를 쓰지 않습니다.",
    "adventures": {
        -2: "가장 인기 위주",
        -1: "인기 위주",
        0: "측정한 순서",
        1: "모험적",
        2: "가장 모험적",
    },
    "only_like": "비슷한 영화: {title}",
    "only_hidden": "관심 없음: {count}편",
    "only_seen": "본 영화: {count}편",
    "only_raters": "평가 {raters:,}개 이상",
    "only_time": "다른 목표 시점",
    "n": "몇 편",
    "year": "목표 연도",
    "target_month": "목표 월",
    "time_help": "영화를 평가할 시점입니다. 비워 두면 이 사람이 마지막으로 평가한 때입니다.",
    "genre": "장르",
    "decade": "연대",
    "any": "전체",
    "decade_name": "{decade}년대",
    "fresh": "잘 알려진 영화 숨기기",
    "fresh_help": "평가 수가 가장 많은 10 %의 영화를 뺍니다.",
    "compare": "{model} 목록도 보기",
    "few_raters": "불확실: 평가 20개 미만",
    "raters_many": "{raters:,}명 평가, 평균\N{NO-BREAK SPACE}{mean:.1f}점",
    "raters_one": "1명 평가, {mean}점",
    "raters_none": "아직 평가 없음",
    "why": "왜?",
    "card_menu": "{title} 메뉴",
    "seen_it": "보셨나요? 별점을 주세요.",
    "your_rating": "{title}에 준 별점",
    "stars": "{most}점 만점에 {stars}점",
    "chosen": "골랐어요",
    "like": "비슷한 영화 더 보기",
    "not_interested": "관심 없음",
    "watch_add": "볼 영화에 담기",
    "watch_remove": "볼 영화에서 빼기",
    "watch_list": "볼 영화 ({count})",
    "watch_empty": "아직 없습니다. 영화 옆 메뉴에서 담을 수 있고, 이 페이지의 주소에 남습니다.",
    "watch_drop": "볼 영화에서 {title} 빼기",
    "no_films": "아직 보지 않은 영화 가운데 이 조건에 맞는 것이 없습니다. 조건을 하나 빼 보세요.",
    "fewer": "이 조건에 맞는 보지 않은 영화는 {count}편뿐입니다.",
    "unknown_time": "{time}에 해당하는 학습 평가가 없어 모델은 이 값을 ‘모름’으로 처리합니다.",
    "unlikely": "이 목록에서 가장 높은 확률도 {best}뿐입니다. 이 사람은 이 영화들에 3점 이하를 줄 "
    "가능성이 더 큽니다.",
    "meaning": "숫자의 뜻과 확인한 방법",
    "meaning_number": "영화 옆의 숫자는 이 사람이 **평가한다면** 4점이나 5점을 줄 확률입니다. "
    "영화를 볼 확률이 아닙니다.",
    "meaning_checked": "모델이 학습하지 않은 테스트 평가 {rows:,}개(사용자 {users:,}명)에서 예측 "
    "확률과 실제 비율의 차이는 평균 {error:.1%}입니다. 사람들이 스스로 고른 영화에서 잰 값이라, "
    "목록이 고른 영화에서는 차이가 더 클 수 있습니다.",
    "catalogue": "사용자가 마지막으로 좋아한 영화를 학습에서 빼 두고, 평가하지 않은 모든 영화 "
    "가운데서 뽑은 열 편에 그 영화가 들어 있는 비율입니다(사용자 {users:,}명).",
    "catalogue_missing": "모든 영화에서 뽑은 목록은 MovieLens 1M에서만 평가했습니다.",
    "catalogue_other": "{model}의 목록은 모든 영화에서 뽑아 평가하지 않았습니다. 표에는 {other}의 "
    "목록만 있습니다.",
    "baselines": {"number of ratings of the movie": "인기도", "EASE": "EASE(선형 모델)"},
    "meaning_data": "데이터에는 {first_release}년부터 {last_release}년까지 개봉한 영화와 "
    "{first_rating}년부터 {last_rating}년까지의 평가가 있습니다. 그 뒤의 일은 알지 못합니다.",
    "citation": "데이터: MovieLens. F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens "
    "Datasets: History and Context. ACM Transactions on Interactive Intelligent Systems 5, 4, "
    "Article 19. https://doi.org/10.1145/2827872",
    "download": "CSV로 내려받기",
    "link": "이 페이지의 주소를 복사해 보내면 같은 화면이 열립니다.",
    "both": "두 목록에 모두",
    "shared": "두 목록에 모두 있는 영화: {count}편 중 {shared}편.",
    "why_title": "왜 이 영화일까요? · {model}",
    "gave": "**{title}** {stars}점",
    "and": ", ",
    "why_turn": {
        "user": "이 사람이 준 별점: {given}. 같은 영화를 좋아한 사람들이 이 영화도 자주 "
        "골랐습니다.",
        "new": "내가 준 별점: {given}. 같은 영화를 좋아한 사람들이 이 영화도 자주 골랐습니다.",
    },
    "why_next": {
        "user": "이 사람이 마지막에 준 별점: {given}. 같은 영화를 평가한 사람들이 다음으로 "
        "자주 평가한 영화입니다.",
        "new": "내가 마지막에 준 별점: {given}. 같은 영화를 평가한 사람들이 다음으로 자주 평가한 "
        "영화입니다.",
    },
    "why_turn_none": "많은 사람이 평가한 영화라서 목록에 있습니다. 이 사람이 좋아한 영화 때문에 "
    "순위가 오르지는 않았습니다.",
    "why_sum": "**{title}**: 4점 이상을 받을 확률 {probability}.",
    "attention": "필드 사이의 어텐션",
    "attention_can": "어텐션은 상호작용 층이 어떤 필드를 섞는지, 곧 정보가 흐를 수 있는 길을 보여 "
    "줍니다. 점수를 정한 까닭을 보여 주지는 않습니다.",
    "attention_cannot": "추천 {recommendations:,}건에서 필드가 받는 어텐션과 위 막대의 크기 "
    "사이의 순위 상관은 {correlation:.2f}입니다. 다른 추천의 막대와 견주어도 {other:.2f}이므로, "
    "어텐션은 영화 한 편에 대해 말해 주는 것이 적습니다.",
    "attention_note": "각 쿼리 필드(행)가 각 키 필드(열)에 주는 어텐션을 모든 헤드에서 평균한 "
    "값입니다. 고르게 나뉘면 모든 칸이 "
    "{uniform:.1%}이고, 여기서는 {low:.1%}에서 {high:.1%} 사이입니다.",
    "layers": "층",
    "all_layers": "평균",
    "layer": "{number}층",
    "query_field": "쿼리 필드",
    "key_field": "키 필드",
    "weight": "어텐션",
    "change_title": "필드마다 보탠 값",
    "change": "로그 오즈의 변화",
    "change_note": "모든 필드로 예측한 값({probability})과 그 필드를 ‘모름’으로 바꾸어 예측한 "
    "값의 로그 오즈, log(p / (1 − p))의 차이입니다. 오른쪽이면 그 필드가 확률을 높인 것이고, "
    "왼쪽이면 낮춘 것입니다.",
    "field": "필드",
    "without": "그 필드가 없을 때의 확률",
    "near": "임베딩이 가장 비슷한, 이미 평가한 영화",
    "near_note": "두 영화 임베딩의 코사인 유사도입니다. 1은 같은 방향, 0은 공통점이 없음을 "
    "뜻합니다.",
    "near_none": "아직 평가한 영화가 없어 견줄 것이 없습니다.",
    "unknown": "모름",
    "fields": {
        "user_id": "사용자",
        "gender": "성별",
        "age": "나이",
        "occupation": "직업",
        "zipcode": "우편번호",
        "movie_id": "영화",
        "genre1": "장르 1",
        "genre2": "장르 2",
        "genre3": "장르 3",
        "release_year": "개봉 연도",
        "release_decade": "개봉 연대",
        "rating_year": "평가 연도",
        "rating_month": "평가 월",
    },
    "new_user": "나(방금 학습)",
    "profile": "{name}: {value}",
    # 평점 없이 고른 것만 있는 데이터
    "implicit": {
        "raters_many": "{raters:,}명이 골랐습니다",
        "raters_one": "1명이 골랐습니다",
        "raters_none": "아직 고른 사람이 없습니다",
        "seen_it": "이미 고르셨나요?",
        "intro": "이 사람은 무엇을 고를까요? 모델은 사람, 영화, 시점에 관한 {fields}개 필드로 그 "
        "확률을 예측합니다.",
        "rated": "{when} 영화 {rated:,}편을 골랐습니다.",
        "rated_undated": "영화 {rated:,}편을 골랐습니다.",
        "order_notes": {
            "for-you": "이 사람이 고를 만한 영화입니다. 숫자는 고르지 않은 영화들과 견준 값입니다.",
            "surest": "숫자가 가장 높은 영화입니다. 숫자는 고르지 않은 영화들과 견준 값입니다.",
            "carry-on": "마지막에 고른 영화들 다음에 사람들이 고른 영화입니다.",
        },
        "meaning_number": "영화 옆의 숫자는 **고르지 않은** 영화들과 견주어, 이 사람이 이 영화를 "
        "골랐을 확률입니다.",
        "gave": "**{title}**",
        "why_turn": {
            "user": "이 사람이 고른 것: {given}. 같은 것을 고른 사람들이 이것도 자주 골랐습니다.",
            "new": "내가 고른 것: {given}. 같은 것을 고른 사람들이 이것도 자주 골랐습니다.",
        },
        "why_next": {
            "user": "이 사람이 마지막에 고른 것: {given}. 같은 것을 고른 사람들이 다음으로 자주 "
            "고른 것입니다.",
            "new": "내가 마지막에 고른 것: {given}. 같은 것을 고른 사람들이 다음으로 자주 고른 "
            "것입니다.",
        },
        "why_sum": "**{title}**: 고르지 않은 영화들과 견주어 {probability}.",
        "unlikely": "이 목록에서 가장 높은 값도 {best}뿐입니다.",
    },
    "you": "나에 대해(선택 사항)",
    "you_note": "아무것도 저장하지 않으며, 입력한 내용은 이 페이지의 주소에 담깁니다.",
    "gender": "성별",
    "age": "나이",
    "occupation": "직업",
    "zip": "미국 우편번호",
    "rather_not": "밝히지 않음",
    "zip_invalid": "“{zip}”는 미국 우편번호가 아닙니다. 미국 우편번호는 숫자 다섯 자리입니다. "
    "모델은 이 값을 ‘모름’으로 처리합니다.",
    "zip_unknown": "데이터에 우편번호 {zip}인 사람이 없어 모델은 이 값을 ‘모름’으로 처리합니다.",
    "rate": "아는 영화",
    "rate_note": "한 번 누르면 별점을 주고, 같은 별을 다시 누르면 지웁니다. 다섯 편이면 시작하기에 "
    "충분합니다.",
    "rate_find": "다른 영화 찾기",
    "rate_example": "예: 매트릭스",
    "rate_none": "“{text}”에 맞는 영화가 없습니다.",
    "rate_similar": "“{text}”에 꼭 맞는 영화가 없어 비슷한 제목을 보여 드립니다.",
    "rate_end": "데이터는 {last_release}년 영화까지입니다.",
    "changed": "별점이 바뀌어 **{count}편 가운데 {new}편이 새로 들어왔습니다.**",
    "changed_for": "**{liked}** 영화에 높은 점수를 주었기 때문에: {titles}",
    "changed_taste": "모든 별점으로 임베딩을 다시 학습했기 때문에: {titles}",
    "forget": "모두 지우기",
    "based_on_nothing": "**사용한 정보: 없음.** 모델이 개인 필드를 모두 ‘모름’으로 처리하므로 새 "
    "시청자라면 누구나 같은 목록을 봅니다.",
    "based_on_profile": "**사용한 정보: 프로필.** 아직 나만의 임베딩이 없어 ‘모르는 사용자’의 "
    "임베딩과 프로필을 씁니다.",
    "based_on_ratings": "**사용한 정보: 프로필과 별점 {count}개.** 방금 별점으로 나만의 임베딩을 "
    "학습했습니다(폴드인). 모델은 그대로이며 아무것도 저장하지 않습니다.",
    "quality": "이 예측은 얼마나 정확할까요?",
    "quality_note": "학습에 쓰지 않은 테스트 평가로 측정했습니다(평가 {rows:,}개, 사용자 "
    "{users:,}명). 영화 평균은 평균이 높은 순서라 누구에게나 같은 목록을 줍니다. 모델이 그보다 "
    "나은 것은 사람에 대한 정보 덕분입니다.",
    "quality_missing": "평가 표가 없습니다. `make evaluate`를 실행하면 만들어집니다.",
    "metrics": {
        "ranker": "순위 방법",
        "ndcg_original@10": "NDCG@10 (원본 정의)",
        "recall@10": "Recall@10",
        "auc": "AUC (전체 행)",
        "logloss": "LogLoss",
        "hit_ratio@10": "Hit Ratio@10",
    },
    "movie_mean": "영화 평균(기준선)",
    "reliability": "예측 확률은 실제와 맞을까요?",
    "reliability_note": "테스트 평가를 예측 확률에 따라 나누고, 그중 실제로 4점이나 5점이었던 "
    "비율을 그렸습니다. 점선 위에서는 예측 확률이 실제 비율과 같습니다.",
    "reliability_missing": "신뢰도 표가 없습니다. `make evaluate`를 실행하면 만들어집니다.",
    "predicted": "예측 확률",
    "liked": "4점 이상의 비율",
    "rows": "평가 수",
    "genders": {"F": "여성", "M": "남성"},
    "ages": {
        1: "18세 미만",
        18: "18–24세",
        25: "25–34세",
        35: "35–44세",
        45: "45–49세",
        50: "50–55세",
        56: "56세 이상",
    },
    "occupations": dict(enumerate(OCCUPATIONS)),
    "genres": {
        "Action": "액션",
        "Adventure": "모험",
        "Animation": "애니메이션",
        "Children's": "어린이",
        "Comedy": "코미디",
        "Crime": "범죄",
        "Documentary": "다큐멘터리",
        "Drama": "드라마",
        "Fantasy": "판타지",
        "Film-Noir": "필름 누아르",
        "Horror": "공포",
        "Musical": "뮤지컬",
        "Mystery": "미스터리",
        "Romance": "로맨스",
        "Sci-Fi": "SF",
        "Thriller": "스릴러",
        "War": "전쟁",
        "Western": "서부극",
        "unknown": "장르 미상",
    },
    "synonyms": {
        "gender": {"여자": "F", "여": "F", "남자": "M", "남": "M"},
        "age": {"18-24": 18, "25-34": 25, "35-44": 35, "45-49": 45, "50-55": 50},
        "occupation": {"학생": 4, "교사": 1, "개발자": 12, "회사원": 3},
        "genre": {"공상과학": "Sci-Fi", "누아르": "Film-Noir", "호러": "Horror", "멜로": "Romance"},
    },
    "stop_words": "좋아하는 좋아함 좋아하지 사용자 사람 영화 세 은 는",
    "negations": "",
    "negations_after": "싫어하는 싫어함 싫어하고 아닌 아니고 않는 않고 말고 빼고 제외 제외한 "
    "제외하고",
    "joining": "그리고 또는",
}
