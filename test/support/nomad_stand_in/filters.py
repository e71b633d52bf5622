"""`?filter=`: the part of go-bexpr that the tests use. What it does not know is refused, never ignored."""

import re

SELECTOR = re.compile(r"[a-zA-Z][a-zA-Z0-9_/]*(\.[a-zA-Z0-9_/-]+)*")
TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|`[^`]*`|==|!=|\(|\)|[^\s()=!"]+)')


class FilterError(Exception):
    pass


def apply(text, records):
    keep = _Parser(text).parse()
    return [record for record in records if keep(record)]


class _Parser:
    def __init__(self, text):
        self._text = text
        self._tokens = []
        position = 0
        while position < len(text.rstrip()):
            match = TOKEN.match(text, position)
            if not match:
                self._fail(position)
            self._tokens.append((match.group(1), match.start(1)))
            position = match.end()

    def _fail(self, position):
        expected = 'expected: "!=", ".", "==", "[", [ \\t\\r\\n] or [a-zA-Z0-9_/]'
        raise FilterError(f"1:{position + 1} ({position}): no match found, {expected}")

    def parse(self):
        result = self._either()
        if self._tokens:
            self._fail(self._tokens[0][1])
        return result

    def _take(self, *words):
        if self._tokens and (not words or self._tokens[0][0] in words):
            return self._tokens.pop(0)[0]
        return None

    def _either(self):
        left = self._both()
        while self._take("or"):
            a, b = left, self._both()
            left = lambda record, a=a, b=b: a(record) or b(record)  # noqa: E731
        return left

    def _both(self):
        left = self._one()
        while self._take("and"):
            a, b = left, self._one()
            left = lambda record, a=a, b=b: a(record) and b(record)  # noqa: E731
        return left

    def _one(self):
        if self._take("not"):
            inner = self._one()
            return lambda record: not inner(record)
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                self._fail(len(self._text))
            return inner
        return self._match()

    def _match(self):
        where = self._tokens[0][1] if self._tokens else len(self._text)
        first = self._take() or self._fail(where)
        word = self._take("==", "!=", "contains", "matches", "is", "in")
        if not word:
            self._fail(where + len(first) if first[0] != '"' else where)
        if word == "is":
            inverted = bool(self._take("not"))
            if not self._take("empty"):
                self._fail(where)
            return lambda record: bool(_select(record, first)) == inverted
        second = self._take() or self._fail(len(self._text))
        if word == "in":
            return lambda record: _literal(first) in (_select(record, second) or [])
        wanted = _literal(second)
        tests = {
            "==": lambda value: _text(value) == wanted,
            "!=": lambda value: _text(value) != wanted,
            "contains": lambda value: wanted in (value or []),
            "matches": lambda value: re.search(wanted, _text(value)) is not None,
        }
        return lambda record: tests[word](_select(record, first))


def _literal(token):
    return token[1:-1] if token[0] in '"`' else token


def _text(value):
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _select(record, selector):
    if not SELECTOR.fullmatch(selector):
        raise FilterError(f"1:1 (0): {selector} is no selector")
    for name in selector.split("."):
        if not isinstance(record, dict) or name not in record:
            raise FilterError(f'error finding value in datum: /{selector}: couldn\'t find key: "{name}"')
        record = record[name]
    return record
