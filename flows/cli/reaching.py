"""Whether a link answers: asked only where somebody says so, once for each address."""

import urllib.error
import urllib.request
from collections.abc import Callable
from functools import cache
from http.client import HTTPException
from urllib.parse import quote, urlsplit

__all__ = ["reacher"]

#: Seconds that a site has to answer.
PATIENCE = 5.0
#: Nothing is there.
_GONE = (404, 410)
#: What a site answers to a question it does not take, so that the page itself is asked for.
_ASK_AGAIN = (400, 403, 404, 405, 501)


def reacher(patience: float = PATIENCE) -> Callable[[str], tuple[bool, str] | None]:
    """A function of a link: None where it answers, else whether it is surely dead, and what it said.

    The head is asked for, then the page where a site gives no heads; `patience` in seconds for each.
    """
    @cache
    def reach(url: str) -> tuple[bool, str] | None:
        try:
            status = _status(url, "HEAD", patience)
            if status in _ASK_AGAIN:
                status = _status(url, "GET", patience)
        except TimeoutError:
            return False, f"did not answer within {patience:g} seconds: try it in a browser."
        except (OSError, ValueError, HTTPException) as error:
            why = getattr(error, "reason", error)
            if isinstance(why, TimeoutError):
                return False, f"did not answer within {patience:g} seconds: try it in a browser."
            return True, f"cannot be reached ({why}): mend it, or try it in a browser."
        if status < 400:
            return None
        return status in _GONE, f"answers {status}: mend it, or try it in a browser."
    return reach


def _status(url: str, method: str, patience: float) -> int:
    asked = urllib.request.Request(_ascii(url), method=method, headers={"User-Agent": "relance"})
    try:
        with urllib.request.urlopen(asked, timeout=patience) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def _ascii(url: str) -> str:
    """An address as it travels: letters beyond ASCII are encoded, what is encoded already stays."""
    parts = urlsplit(url)
    path, query = (quote(part, safe="/%:=&?~+!$,;'@()*[]") for part in (parts.path, parts.query))
    return parts._replace(netloc=parts.netloc.encode("idna").decode(), path=path, query=query, fragment="").geturl()
