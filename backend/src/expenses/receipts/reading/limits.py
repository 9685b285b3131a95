"""How large a file and what is in it may be, and the words for what is wrong with one."""

MAX_SIZE = 10 * 1024 * 1024
# Pages of a PDF that become pictures, and those in which codes and text are read.
MAX_PREVIEWS = 10
MAX_READ_PAGES = 3
MAX_PAGES = 1000
MAX_PIXELS = 50_000_000

TOO_MANY_PIXELS = "too many pixels"
TOO_MANY_PAGES = "too many pages"
PROTECTED = "protected"
CREDIT_NOTE = "credit note"
NO_INVOICE = "no invoice"
