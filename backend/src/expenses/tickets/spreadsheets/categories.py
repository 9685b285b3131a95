"""Categories as people, and the programs that they export from, write them into cells."""

import re
import unicodedata
from functools import cache

from expenses.i18n.languages import LANGUAGES, gettext, speaking
from expenses.tickets.models import Category

_WORDS = {
    Category.TRAVEL: "travel transport transportation transit taxi cab uber lyft rideshare train"
    " rail railway flight air airfare airline bus metro subway tram ferry car vehicle mileage fuel"
    " gasoline petrol diesel parking toll reise dienstreise fahrt flug bahn maut parkgebühren"
    " 交通 差旅 出差 打车 网约车 滴滴 出租车 用车 租车 车费 车票 机票 飞机 航空 火车 高铁 动车 地铁"
    " 公交 加油 油费 停车 过路 过桥 高速 里程 計程車 高鐵 捷運",
    Category.LODGING: "lodging hotel motel hostel accommodation rent airbnb übernachtung unterkunft"
    " 住宿 酒店 宾馆 旅馆 旅店 民宿 房费",
    Category.MEALS: "meal food restaurant lunch dinner breakfast brunch coffee drink beverage snack"
    " catering dining grocery entertainment bewirtung verpflegung geschäftsessen"
    " 餐 餐饮 餐费 用餐 伙食 招待 宴请 外卖 咖啡 餐飲",
    Category.EQUIPMENT: "equipment hardware office supply furniture computer laptop electronics"
    " stationery machine büro bürobedarf büromaterial"
    " 设备 办公 硬件 家具 文具 耗材 电脑 設備 辦公",
    Category.SOFTWARE: "software subscription saas license licence cloud hosting lizenz lizenzen"
    " 软件 订阅 云服务 軟體",
    Category.TRAINING: "training course education conference seminar workshop webinar tuition"
    " certification book learning fortbildung weiterbildung schulung"
    " 培训 课程 会议 书籍 图书 教材 学习 教育 培訓",
}
_CATEGORY_OF = {word: category for category, words in _WORDS.items() for word in words.split()}
# They say "other" only where no word says more.
_OTHER = "other misc miscellaneous general sundry sonstiges 其他 其它 杂项 杂费"
_EXPENSES = "expense cost fee and 费用 支出 费 款 类"
_OTHER_WORDS, _EXPENSE_WORDS = frozenset(_OTHER.split()), frozenset(_EXPENSES.split())
_KNOWN = frozenset(_CATEGORY_OF) | _OTHER_WORDS | _EXPENSE_WORDS

_CHINESE = r"\u4e00-\u9fff"
_WORD = re.compile(rf"[^\W\d_{_CHINESE}]+")
_CHINESE_TEXT = re.compile(rf"[{_CHINESE}]+")
# Longer words first: they are not taken for a shorter one and a rest.
_CHINESE_WORD = re.compile(
    "|".join(sorted(filter(_CHINESE_TEXT.match, _KNOWN), key=len, reverse=True))
)
_GERMAN_EXPENSES = re.compile(r"s?(?:kosten|aufwand|aufwendungen|gebühren|spesen)$")


def read_category(text: str) -> Category | None:
    """Find a category by its code or label, or by words that all belong to one category."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    if category := _labels().get(_letters(plain)):
        return category
    words = {_base(word) for word in _WORD.findall(plain)} | _chinese_words(plain)
    found = {_CATEGORY_OF[word] for word in words if word in _CATEGORY_OF}
    if len(found) == 1:
        return found.pop()
    is_other = words & _OTHER_WORDS and words <= _OTHER_WORDS | _EXPENSE_WORDS
    return Category.OTHER if is_other else None


@cache
def _labels() -> dict[str, Category]:
    labels = {_letters(category.value): category for category in Category}
    for language in LANGUAGES:
        with speaking(language):
            for category in Category:
                labels[_letters(gettext(category.value.capitalize()).casefold())] = category
    return labels


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _base(word: str) -> str:
    """Return the form of a word that is known: "supply" for "supplies"."""
    forms = (
        word,
        word.removesuffix("s"),
        word.removesuffix("es"),
        re.sub("ies$", "y", word),
        _GERMAN_EXPENSES.sub("", word),
    )
    return next((form for form in forms if form in _KNOWN), word)


def _chinese_words(text: str) -> set[str]:
    """Find the known words, which have no space between them, and what else there is."""
    words: set[str] = set()
    for run in _CHINESE_TEXT.findall(text):
        words.update(_CHINESE_WORD.findall(run))
        words.update(filter(None, [_CHINESE_WORD.sub("", run)]))
    return words
