"""HCL2 as Nomad evaluates it in a job file: variables, locals, templates, a few functions.

python-hcl2 gives the syntax tree; this module evaluates it. What only the client of a running task knows
(`${NOMAD_PORT_x}`, `${attr...}`, `${node...}`, `${meta...}`, `${env...}`) stays in the text as it is written.
"""

import json
import re
from dataclasses import dataclass, field

import hcl2
from lark import Token, Tree
from lark.exceptions import LarkError

RUNTIME_ROOTS = ("attr", "node", "meta", "env", "device")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


class HclError(Exception):
    """A job file that Nomad would refuse, worded as `Failed to parse job: ...` continues."""


@dataclass
class Body:
    attributes: dict[str, Tree] = field(default_factory=dict)
    blocks: list["Block"] = field(default_factory=list)
    line: int = 1

    def only(self, kind):
        return [block for block in self.blocks if block.kind == kind]


@dataclass
class Block:
    kind: str
    labels: list[str]
    body: Body
    line: int


def parse(text):
    """The file as blocks and unevaluated attributes."""
    try:
        tree = hcl2.parses_to_tree(text if text.endswith("\n") else text + "\n")
    except LarkError as error:
        opened = _open_brace(text)
        if opened:
            raise HclError(
                "input.hcl:%d,%d-%d: Unclosed configuration block; There is no closing brace for this block before the "
                "end of the file. This may be caused by incorrect brace nesting elsewhere in this file." % opened
            ) from error
        line, column = getattr(error, "line", 1), getattr(error, "column", 1)
        raise HclError(
            f"input.hcl:{line},{column}-{column + 1}: Argument or block definition required; An argument or block "
            "definition is required here."
        ) from error
    return _body(next(child for child in tree.children if isinstance(child, Tree)))


def _open_brace(text):
    """Where the innermost brace without a partner stands: line, column, column + 1; None when they all have one."""
    opened = []
    for number, line in enumerate(text.splitlines(), 1):
        for column, letter in enumerate(line, 1):
            if letter == "{":
                opened.append((number, column, column + 1))
            elif letter == "}" and opened:
                opened.pop()
    return opened[-1] if opened else None


def _body(tree):
    body = Body()
    for child in _trees(tree):
        if child.data == "attribute":
            name, value = _word(child.children[0]), _trees(child)[-1]
            if name in body.attributes:
                raise HclError(
                    f"input.hcl:{_line(child)}: Attribute redefined; The argument {json.dumps(name)} was already set."
                )
            body.attributes[name] = value
        elif child.data == "block":
            parts = _trees(child)
            labels = [_label(part) for part in parts[1:-1]]
            body.blocks.append(Block(_word(parts[0]), labels, _body(parts[-1]), _line(child)))
    return body


def _trees(tree):
    return [child for child in tree.children if isinstance(child, Tree) and child.data != "new_line_or_comment"]


def _word(node):
    while isinstance(node, Tree):
        node = next(child for child in node.children)
    return str(node)


def _label(node):
    if node.data != "string":
        return _word(node)
    text = "".join(str(token) for token in node.scan_values(lambda token: isinstance(token, Token)))[1:-1]
    if "${" in text:
        raise HclError(
            f"input.hcl:{_line(node)}: Invalid string literal; Template sequences are not allowed in this string."
        )
    return text


def _line(tree):
    return next((token.line for token in tree.scan_values(lambda token: isinstance(token, Token))), 1)


def source(tree):
    """The text of an expression, as it stood in the file."""
    return "".join(str(token) for token in tree.scan_values(lambda token: isinstance(token, Token))).strip()


class Scope:
    """The variables and locals of one file, and the evaluation of its expressions."""

    def __init__(self, file, variables_text=""):
        self._declared = {block.labels[0]: block for block in file.only("variable")}
        self._given = self._read_given(variables_text)
        self._locals = {name: tree for block in file.only("locals") for name, tree in block.body.attributes.items()}
        self._values = {}

    def _read_given(self, text):
        """Values of variables that the file does not declare are passed over, as Nomad does."""
        body = parse(text) if text.strip() else Body()
        for tree in body.attributes.values():
            for node in tree.iter_subtrees():
                if node.data == "interpolation":
                    raise HclError(
                        f"input.hcl:{_line(node)}: Variables not allowed; Variables may not be used here."
                    )
        return {name: self.evaluate(tree) for name, tree in body.attributes.items()}

    def variable(self, name):
        if name not in self._values:
            if name not in self._declared:
                raise HclError(
                    f"Unsupported attribute; This object does not have an attribute named {json.dumps(name)}."
                )
            block = self._declared[name]
            kind = source(block.body.attributes["type"]) if "type" in block.body.attributes else "any"
            if name in self._given:
                value = self._given[name]
            elif "default" in block.body.attributes:
                value = self.evaluate(block.body.attributes["default"])
            else:
                raise HclError(
                    f"input.hcl:{block.line}: Unset variable {json.dumps(name)}; A used variable must be set or have a "
                    "default value."
                )
            self._values[name] = _convert(name, kind, value)
        return self._values[name]

    def evaluate(self, tree):
        if isinstance(tree, Token):
            return _literal(tree)
        handler = getattr(self, "_on_" + str(tree.data), None)
        if handler is None:
            raise HclError(f"input.hcl:{_line(tree)}: the stand-in does not evaluate `{source(tree)}` ({tree.data})")
        return handler(tree)

    def _on_expr_term(self, tree):
        inner = [c for c in tree.children if isinstance(c, Tree) and c.data != "new_line_or_comment"]
        return self.evaluate(inner[0])

    def _on_identifier(self, tree):
        name = _word(tree)
        if name in ("true", "false"):
            return name == "true"
        if name == "null":
            return None
        if name.startswith("NOMAD_"):
            return "${" + name + "}"
        raise HclError(
            f"input.hcl:{_line(tree)}: Unknown variable; There is no variable named {json.dumps(name)}."
        )

    def _on_keyword(self, tree):
        return self._on_identifier(tree)

    def _on_literal_value(self, tree):
        return self._on_identifier(tree)

    def _on_int_lit(self, tree):
        return int(source(tree))

    def _on_float_lit(self, tree):
        return float(source(tree))

    def _on_string(self, tree):
        parts = []
        for part in _trees(tree):
            for child in part.children:
                if isinstance(child, Tree) and child.data == "interpolation":
                    parts.append(self.evaluate(_trees(child)[0]))
                elif isinstance(child, Tree):
                    parts.append(_unescape(source(child)))
                else:
                    parts.append(_unescape(str(child)))
        if len(parts) == 1 and not isinstance(parts[0], str):
            return parts[0]
        return "".join(_to_text(part) for part in parts)

    def _on_heredoc_template(self, tree):
        return self._heredoc(str(tree.children[0]), trim=False)

    def _on_heredoc_template_trim(self, tree):
        return self._heredoc(str(tree.children[0]), trim=True)

    def _heredoc(self, text, trim):
        lines = text.rstrip().split("\n")[1:-1]  # without the two markers
        if trim and lines:
            margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
            lines = [line[margin:] for line in lines]
        text = "".join(line + "\n" for line in lines)
        if re.search(r"\$\{\s*(var|local)\.", text):
            raise HclError("the stand-in does not evaluate variables inside a heredoc")
        return text

    def _on_tuple(self, tree):
        return [self.evaluate(child) for child in _trees(tree)]

    def _on_object(self, tree):
        result = {}
        for element in _trees(tree):
            key, value = _trees(element)[0], _trees(element)[-1]
            result[self._key(key)] = self.evaluate(value)
        return result

    def _key(self, tree):
        inner = tree
        while isinstance(inner, Tree) and inner.data in ("object_elem_key", "expr_term"):
            inner = _trees(inner)[0]
        return _word(inner) if inner.data == "identifier" else _to_text(self.evaluate(inner))

    def _on_get_attr_expr_term(self, tree):
        path = self._path(tree)
        if path[0] == "var":
            value = self.variable(path[1])
        elif path[0] == "local" and path[1] in self._locals:
            value = self.evaluate(self._locals[path[1]])
        else:
            return "${" + source(tree) + "}"  # Nomad leaves it to the client, which may not know it either
        for step in path[2:]:
            value = value[step]
        return value

    def _path(self, tree):
        if tree.data == "expr_term":
            return self._path(_trees(tree)[0])
        if tree.data == "identifier":
            return [_word(tree)]
        base, step = _trees(tree)
        return [*self._path(base), _word(_trees(step)[0])]

    def _on_index_expr_term(self, tree):
        base, index = _trees(tree)
        if source(base).split(".")[0].split("[")[0] in RUNTIME_ROOTS:
            return "${" + source(tree) + "}"
        return self.evaluate(base)[self.evaluate(_trees(index)[0])]

    def _on_conditional(self, tree):
        condition, yes, no = _trees(tree)
        return self.evaluate(yes if self.evaluate(condition) else no)

    def _on_unary_op(self, tree):
        value = self.evaluate(_trees(tree)[-1])
        return not value if source(tree).startswith("!") else -value

    def _on_binary_op(self, tree):
        left, rest = _trees(tree)
        operator, right = _trees(rest)
        sign, a, b = source(operator), self.evaluate(left), self.evaluate(right)
        operations = {
            "==": lambda: a == b,
            "!=": lambda: a != b,
            "&&": lambda: a and b,
            "||": lambda: a or b,
            "+": lambda: a + b,
            "-": lambda: a - b,
            "*": lambda: a * b,
            "/": lambda: a / b,
            ">": lambda: a > b,
            "<": lambda: a < b,
            ">=": lambda: a >= b,
            "<=": lambda: a <= b,
        }
        return operations[sign]()

    def _on_function_call(self, tree):
        parts = _trees(tree)
        name = _word(parts[0])
        arguments = [self.evaluate(child) for child in _trees(parts[1])] if len(parts) > 1 else []
        functions = {
            "concat": lambda *lists: [item for items in lists for item in items],
            "merge": lambda *maps: {key: value for each in maps for key, value in each.items()},
            "format": lambda pattern, *values: pattern.replace("%d", "%s") % tuple(_to_text(v) for v in values),
            "join": lambda separator, items: separator.join(_to_text(item) for item in items),
            "tostring": _to_text,
            "tonumber": _to_number,
            "length": len,
            "max": max,
            "min": min,
        }
        if name not in functions:
            raise HclError(
                f"input.hcl:{_line(tree)}: Call to unknown function; There is no function named {json.dumps(name)}."
            )
        return functions[name](*arguments)


def _literal(token):
    text = str(token)
    return text if token.type.startswith("STRING") else json.loads(text)


def _unescape(text):
    text = re.sub(r"\\(.)", lambda match: ESCAPES.get(match.group(1), match.group(0)), text)
    return text.replace("$${", "${").replace("%%{", "%{")


def _to_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _to_number(value):
    number = float(value)
    return int(number) if number.is_integer() else number


def _convert(name, kind, value):
    kind = re.sub(r"\s", "", kind)
    try:
        if value is None or kind == "any":
            return value
        if kind == "string" and not isinstance(value, (list, dict)):
            return _to_text(value)
        if kind == "number" and not isinstance(value, (list, dict, bool)):
            return _to_number(value)
        if kind == "bool" and value in (True, False, "true", "false"):
            return value in (True, "true")
        if kind in ("list(string)", "set(string)") and isinstance(value, list):
            return [_to_text(item) for item in value]
        if kind == "map(string)" and isinstance(value, dict):
            return {key: _to_text(item) for key, item in value.items()}
    except (TypeError, ValueError):
        pass
    raise HclError(
        f"input.hcl: Invalid value for variable; The value for variable {json.dumps(name)} is not compatible with the "
        f"variable's type constraint: {kind} required."
    )
