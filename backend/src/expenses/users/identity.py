"""What makes two e-mails the same account, and two usernames look the same."""

import unicodedata

_ALIKE = str.maketrans("i1|0", "lllo")


def email_identity(email: str) -> str:
    """Fold the case of every script, in every language's way.

    Upper case first: ß becomes SS, as its own upper case does, and the dotless i of Turkish the
    same I as the one with a dot. Two whose e-mails differ by no more than that share an identity,
    so the second cannot register.
    """
    folded = unicodedata.normalize("NFKC", email).strip().upper().casefold()
    # The dotted İ keeps its dot as a mark of its own.
    return unicodedata.normalize("NFKC", folded.replace("i\u0307", "i"))


def username_skeleton(username: str) -> str:
    """Return the same for names that cannot be told apart, as Unicode's UTS 39 has it.

    Its skeleton takes I for l; in any case, that makes i, l and 1 the same.
    """
    # Imported where somebody chooses a name: its tables take 4 MB.
    import disarm

    return disarm.skeleton_key(username.casefold()).translate(_ALIKE)
