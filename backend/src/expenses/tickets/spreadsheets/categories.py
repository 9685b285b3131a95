"""Categories as people write them into cells."""

import re
import unicodedata

from expenses.i18n.languages import gettext, speaking
from expenses.tickets.models import Category

_CATEGORIES = {
    Category.TRAVEL: "travel transport transportation taxi train flight air airfare bus metro uber"
    " mileage fuel parking toll 交通 差旅 交通差旅 打车 出租车 机票 火车票 高铁 地铁 加油 停车",
    Category.LODGING: "lodging hotel accommodation rent airbnb 住宿 酒店 宾馆 旅馆",
    Category.MEALS: "meals meal food restaurant lunch dinner breakfast coffee drinks catering"
    " entertainment 餐饮 餐费 用餐 伙食 招待 业务招待 餐饮招待",
    Category.EQUIPMENT: "equipment hardware office officesupplies supplies furniture computer"
    " 设备 办公用品 硬件 办公 家具",
    Category.SOFTWARE: "software subscription subscriptions saas license licence cloud 软件 订阅"
    " 软件订阅",
    Category.TRAINING: "training course education conference books learning 培训 课程 会议 书籍"
    " 学习",
    Category.OTHER: "other misc miscellaneous general 其他 其它 杂项",
}
_CATEGORY_OF = {word: category for category, words in _CATEGORIES.items() for word in words.split()}


def read_category(text: str) -> Category | None:
    """Find a category by its code, its label in any of our languages, or a usual synonym."""
    wanted = _word(text)
    for language in ("en", "zh_Hans_CN"):
        with speaking(language):
            for category in Category:
                if wanted in {_word(category.value), _word(gettext(category.value.capitalize()))}:
                    return category
    return _CATEGORY_OF.get(wanted)


def _word(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())
