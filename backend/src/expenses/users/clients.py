"""What browsers and programs call themselves, in words that people know them by."""

from expenses.i18n.languages import gettext

# In the order of asking: most browsers also name those that they descend from.
_BROWSERS = (
    ("MicroMessenger/", "WeChat"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)

MAX_LENGTH = 200


def client_name(user_agent: str | None) -> str:
    """ "Firefox on Windows"; a program's own words where it is no browser that is known here."""
    if not user_agent:
        return gettext("An unknown browser or program")
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if browser is None or system is None:
        return browser or user_agent
    return gettext("%(browser)s on %(system)s", browser=browser, system=system)


def storable(text: str | None) -> str | None:
    """Reduce what a request says of its sender to one printable line that can be stored."""
    visible = "".join(character for character in text or "" if character.isprintable())
    return visible.strip()[:MAX_LENGTH] or None
