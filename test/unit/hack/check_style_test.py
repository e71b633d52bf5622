"""hack/check_style.py and hack/check_docs.py find what they say they find, and leave sound code alone."""
import pathlib
import sys
import textwrap

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "hack"))

import check_docs  # noqa: E402
import check_style  # noqa: E402

OLD, OLDER = "mas" "ter", "sla" "ve"


def tree(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def messages(path, text, root=ROOT):
    return [finding.message for finding in check_style.check_text(path, text, root) if finding.fails]


def shell(text):
    """What the checks say about statements of a coroutine of the shell."""
    return messages("operator/loop/some.cpp", textwrap.dedent(text))


class TestLayers:
    @pytest.fixture
    def root(self, tmp_path):
        headers = """api/slot.hpp api/json/spec_json.hpp reconcilers/registry.hpp operator/ports/time.hpp
            operator/telemetry/log.hpp operator/runtime/task_group.hpp operator/net/http_client.hpp
            operator/redis/info_parser.hpp operator/observe/survey.hpp operator/execute/script.hpp
            operator/loop/core.hpp operator/web/http_endpoint.hpp operator/commands/run.hpp test/support/world.hpp"""
        return tree(tmp_path, {name: "#pragma once\n" for name in headers.split()})

    @pytest.mark.parametrize(
        "path, header",
        [
            ("api/a.cpp", "reconcilers/registry.hpp"),
            ("api/a.cpp", "operator/ports/time.hpp"),
            ("reconcilers/a.cpp", "operator/ports/time.hpp"),
            ("operator/ports/a.cpp", "operator/runtime/task_group.hpp"),
            ("operator/telemetry/a.cpp", "operator/runtime/task_group.hpp"),
            ("operator/runtime/a.cpp", "operator/net/http_client.hpp"),
            ("operator/net/a.cpp", "operator/redis/info_parser.hpp"),
            ("operator/consul/a.cpp", "operator/redis/info_parser.hpp"),
            ("operator/observe/a.cpp", "operator/execute/script.hpp"),
            ("operator/execute/a.cpp", "operator/observe/survey.hpp"),
            ("operator/observe/a.cpp", "reconcilers/registry.hpp"),
            ("operator/execute/a.cpp", "reconcilers/registry.hpp"),
            ("operator/loop/a.cpp", "operator/commands/run.hpp"),
            ("operator/loop/a.cpp", "operator/web/http_endpoint.hpp"),
            ("operator/web/a.cpp", "operator/loop/core.hpp"),
            ("operator/commands/a.cpp", "test/support/world.hpp"),
            ("test/simulation/a.cpp", "operator/net/http_client.hpp"),
        ],
    )
    def test_no_layer_includes_a_higher_one(self, root, path, header):
        folder = path.rpartition("/")[0]
        assert messages(path, f'#include "{header}"\n', root) == [f"{folder} may not include {header}"]

    @pytest.mark.parametrize(
        "path, header",
        [
            ("api/json/a.cpp", "api/slot.hpp"),
            ("reconcilers/a.cpp", "api/slot.hpp"),
            ("operator/redis/a.cpp", "operator/net/http_client.hpp"),
            ("operator/observe/a.cpp", "operator/redis/info_parser.hpp"),
            ("operator/loop/a.cpp", "reconcilers/registry.hpp"),
            ("operator/commands/a.cpp", "operator/web/http_endpoint.hpp"),
            ("operator/main.cpp", "operator/commands/run.hpp"),
            ("test/simulation/a.cpp", "operator/redis/info_parser.hpp"),
            ("test/simulation/a.cpp", "operator/loop/core.hpp"),
            ("test/unit/redis/a.cpp", "operator/net/http_client.hpp"),
        ],
    )
    def test_a_layer_includes_what_lies_below(self, root, path, header):
        assert messages(path, f'#include "{header}"\n', root) == []

    def test_an_include_of_ours_exists_and_is_written_from_the_root(self, root):
        assert messages("api/a.cpp", '#include "slot.hpp"\n', root) == [
            "no slot.hpp: includes of ours are written from the root"
        ]

    def test_the_simulator_keeps_away_from_sockets_however_deep(self, root):
        tree(
            root,
            {
                "operator/redis/client.hpp": '#pragma once\n#include "operator/redis/stream.hpp"\n',
                "operator/redis/stream.hpp": "#pragma once\n#include <boost/asio/ip/tcp.hpp>\n",
            },
        )
        assert messages("test/simulation/a.cpp", '#include "operator/redis/client.hpp"\n', root) == [
            "the simulator may not include operator/redis/client.hpp, it is the real side of a port"
        ]

    def test_the_tree_as_it_is_has_a_row_for_every_folder(self):
        for path in check_style.tracked_files():
            if path.endswith((".cpp", ".hpp")):
                assert check_style.folder_of(path), path


class TestLibraries:
    @pytest.mark.parametrize(
        "path, header",
        [
            ("api/slot.cpp", "boost/asio/awaitable.hpp"),
            ("reconcilers/gate.cpp", "spdlog/spdlog.h"),
            ("operator/loop/core.cpp", "prometheus/registry.h"),
            ("operator/execute/script.cpp", "hiredis/hiredis.h"),
            ("operator/observe/watcher.cpp", "boost/beast/http.hpp"),
            ("operator/net/http_client.hpp", "boost/beast/http.hpp"),
            ("operator/consul/client.hpp", "boost/json/value.hpp"),
            ("operator/net/tcp.cpp", "boost/asio.hpp"),
        ],
    )
    def test_a_library_stays_in_its_place(self, path, header):
        found = messages(path, f"#pragma once\n#include <{header}>\n")
        assert len(found) == 1 and header.split("/")[0] in found[0]

    def test_forward_declarations_are_welcome(self):
        assert messages("operator/consul/client.hpp", "#pragma once\n#include <boost/json/fwd.hpp>\n") == []

    def test_a_header_is_included_once(self):
        assert messages("api/slot.hpp", "struct Slot;\n") == ["a header starts with #pragma once"]


class TestPurity:
    @pytest.mark.parametrize(
        "path, line",
        [
            ("reconcilers/gate.cpp", "const auto now = std::chrono::system_clock::now();"),
            ("reconcilers/gate.cpp", "std::unordered_map<int, int> seen;"),
            ("api/slot.cpp", "std::random_device device;"),
            ("api/slot.cpp", "std::cout << slot;"),
            ("api/slot.cpp", "co_return slot;"),
            ("operator/loop/core.cpp", "asio::steady_timer pause(executor);"),
            ("operator/net/http.cpp", "const auto began = std::chrono::steady_clock::now();"),
            ("operator/commands/wait.cpp", "std::this_thread::sleep_for(1s);"),
            ("test/simulation/world.cpp", "std::unordered_set<int> lost;"),
            ("test/simulation/world.cpp", "std::random_device seed;"),
        ],
    )
    def test_time_chance_and_io_enter_by_a_port(self, path, line):
        assert len(messages(path, line + "\n")) == 1

    @pytest.mark.parametrize(
        "path, line",
        [
            ("operator/runtime/real_time.cpp", "asio::steady_timer timer_;"),
            ("test/unit/net/server_test.cpp", "asio::steady_timer pause(io);"),
            ("operator/loop/core.cpp", "std::unordered_map<int, int> seen;"),
            ("reconcilers/gate.cpp", "// never std::unordered_map, never system_clock::now()"),
            ("reconcilers/gate.cpp", 'const char* text = "steady_timer";'),
        ],
    )
    def test_the_real_side_tests_comments_and_literals_may(self, path, line):
        assert messages(path, line + "\n") == []


class TestAwaits:
    @pytest.mark.parametrize(
        "statement, why",
        [
            ("if (co_await ready()) {", "co_await inside if"),
            ("while (co_await next()) {", "co_await inside while"),
            ("switch (co_await kind()) {", "co_await inside switch"),
            ("auto x = co_await send(Request{.to = node});", "braces beside co_await"),
            ('co_await send({"CLUSTER", "NODES"});', "braces beside co_await"),
            ("auto x = lucky ? co_await first() : co_await second();", "co_await beside ?:"),
            ("co_await on(executor, [name] { return name; });", "lambda that captures values"),
            ("const Pair both{co_await first(), 2};", "co_await inside braces"),
        ],
    )
    def test_one_await_one_statement(self, statement, why):
        found = shell(f"awaitable<void> f() {{\n    {statement}\n}}\n")
        assert found and found[0].startswith(why)

    @pytest.mark.parametrize(
        "statement",
        [
            "co_await f(name, std::move(other));",
            "const auto x = co_await f(Request(node));",
            "co_return co_await f();",
            "ROP_CO_TRY(auto x, co_await f());",
            "auto keep = [&]() -> awaitable<void> { answer.emplace(co_await std::move(work)); };",
            "if (x) { co_await f(); } else { co_await g(); }",
            "for (const Slot slot : slots) { co_await move(slot); }",
            "const Request request{.to = node}; co_await send(request);",
            "const bool lucky = a ? b : c; co_await f(16'384, '?', \"{?}\");",
        ],
    )
    def test_plain_awaits_are_left_alone(self, statement):
        assert shell(f"awaitable<void> f() {{\n    {statement}\n}}\n") == []

    @pytest.mark.parametrize(
        "declaration",
        [
            "asio::awaitable<void> run(const Spec& spec);",
            "asio::awaitable<Result<std::vector<int>>> Loop::run(Spec&& spec) {}",
            "asio::awaitable<void> run(int a,\n    std::string& b);",
        ],
    )
    def test_a_coroutine_takes_no_reference(self, declaration):
        assert shell(declaration) == ["a coroutine takes values: a reference may be gone when it wakes up"]

    @pytest.mark.parametrize(
        "declaration",
        [
            "asio::awaitable<void> run(Spec spec, std::shared_ptr<const Access> access);",
            "asio::awaitable<void> run(std::function<void(const Spec&)> ring);",
            "void keep(const std::vector<asio::awaitable<void>>& all);",
        ],
    )
    def test_values_and_shared_pointers_are_fine(self, declaration):
        assert shell(declaration) == []

    def test_no_braces_in_a_default_argument(self):
        assert shell("asio::awaitable<void> run(Options options = {});") == [
            "braces in a default argument of a coroutine: overload it"
        ]

    def test_says_where(self):
        text = "awaitable<void> f() {\n    // one\n    if (co_await g()) {\n    }\n}\n"
        (finding,) = check_style.check_text("operator/loop/some.cpp", text, ROOT)
        assert str(finding).startswith("operator/loop/some.cpp:3: ")


class TestWords:
    @pytest.mark.parametrize("name", ["ClusterManager", "slot_helper", "HTTPUtil", "string_utils", "manager_"])
    def test_empty_words_are_no_names(self, name):
        assert len(messages("operator/loop/core.cpp", f"int {name} = 0;\n")) == 1

    def test_types_are_named_for_what_they_are(self):
        assert messages("api/node.cpp", "struct NodeInfo {};\n") == ["NodeInfo: name what it is"]

    def test_the_standard_header_is_no_name_of_ours(self):
        assert messages("api/node.cpp", "#include <utility>\nint damage = 0;  // a util\n") == []

    @pytest.mark.parametrize("path", ["api/slot_util.cpp", "hack/helpers.sh", f"docs/{OLD}.md"])
    def test_files_are_named_for_what_they_do(self, path):
        assert len(messages(path, "\n")) == 1

    @pytest.mark.parametrize("line", [f"int {OLD}_count = 0;", f"// the {OLD} died", f'auto word = "{OLDER}";'])
    def test_the_old_words_stay_at_the_wire(self, line):
        path = "operator/execute/script.cpp"
        assert len(messages(path, line + "\n")) == 1
        assert messages("operator/redis/nodes.cpp", line + "\n") == []

    def test_a_field_of_the_wire_may_be_quoted(self):
        assert messages("api/snapshot.hpp", f"#pragma once\nint lag = 0;  // {OLD}_repl_offset\n") == []


class TestHosts:
    @pytest.mark.parametrize("path", ["hack/get.sh", "test/requirements.txt", "docs/a.md", ".ci/run", "api/slot.cpp"])
    def test_no_foreign_host_is_named(self, path):
        text = f"# htt{'p'}s://packages.some-registry.io/simple\n"
        assert messages(path, text) == ["names the host packages.some-registry.io"]

    @pytest.mark.parametrize("host", ["127.0.0.1:8500", "localhost", "consul.example.com", "{address}", "redis.service.consul"])
    def test_our_own_may_be(self, host):
        assert messages("operator/config/config.cpp", f"// http://{host}/v1\n") == []

    def test_documents_link_to_manuals(self):
        link = f"htt{'p'}s://redis.io/commands"
        assert messages("docs/a.md", link) == []
        assert messages("hack/demo", link) == ["names the host redis.io"]


class TestFiles:
    def test_unfinished_marks_are_found(self):
        assert messages("api/slot.cpp", "// TO" + "DO: later\n") == ["unfinished: do it, or open an issue"]

    def test_long_files_get_a_note_and_very_long_ones_fail(self):
        note = check_style.check_text("api/slot.cpp", "\n" * 450, ROOT)
        assert [finding.fails for finding in note] == [False]
        assert messages("api/slot.cpp", "\n" * 550) == ["550 lines: split it where it has two ideas"]


class TestDocuments:
    @pytest.fixture
    def root(self, tmp_path):
        return tree(
            tmp_path,
            {"docs/other.md": "# Why so\n## A `code` title, twice\n## A code title, twice\n", "hack/demo": "\n"},
        )

    @pytest.mark.parametrize(
        "text, message",
        [
            ("[a](missing.md)", "the link leads nowhere: missing.md"),
            ("[a](other.md#nope)", "no heading #nope in other.md"),
            ("[a](#nope)", "no heading #nope in docs/a.md"),
            ("run `hack/dem`", "there is no hack/dem"),
            ("```\n$ hack/dem --keep\n```", "there is no hack/dem"),
            ("see `operator/loop/*.cpp`", "there is no operator/loop/*.cpp"),
        ],
    )
    def test_what_is_named_exists(self, root, text, message):
        assert [found for _, found in check_docs.check_document("docs/a.md", text, root)] == [message]

    @pytest.mark.parametrize(
        "text",
        [
            "[a](other.md) [b](other.md#why-so) [c](other.md#a-code-title-twice-1) [d](../hack/demo)",
            "# Here\n[a](#here) [b](mailto:a@b)",
            "`hack/demo --keep` and `./hack/demo` and `test/unit/<name>_test.cpp` and `build/dev/api/x`",
        ],
    )
    def test_what_exists_may_be_named(self, root, text):
        assert check_docs.check_document("docs/a.md", text, root) == []


class TestReasons:
    TABLE = "| condition | x |\n| Formed | y |\n\n| reason | what | next |\n|---|---|---|\n| Silent, Loading | a | b |\n"

    def test_all_explained(self):
        assert list(check_docs.check_reasons(self.TABLE, ['note("Silent")', 'note("Loading", "a sentence")'])) == []

    def test_one_is_not_explained(self):
        found = list(check_docs.check_reasons(self.TABLE, ['note("Silent"), note("Loading"), note("NewWord")']))
        assert found == ["the reason NewWord is not explained"]

    def test_one_is_explained_in_vain(self):
        found = list(check_docs.check_reasons(self.TABLE, ['note("Silent")']))
        assert found == ["nothing gives the reason Loading any more"]

    def test_one_is_not_explained_to_people(self):
        source = 'Explanation{"Silent", "A.", "b"}, Explanation{\n "Late", "A.", "b"}'
        found = list(check_docs.check_explanations(self.TABLE, source))
        assert [line.split()[2] for line in found] == ["Late", "Loading"]

class TestScenarios:
    TABLE = "| nr | what | real |\n|---|---|---|\n| 017 | a | `test_017_a` |\n| 018 | b | `Scenario.018_b`, `test_other` |\n"
    TESTS = {"test_017_a", "Scenario.018_b", "test_other", "test_nobody_asks"}

    def test_names_are_found_in_both_languages(self):
        assert check_docs.tests_of("a.py", "\n".join(["def test_017_a(lab):", "def other():"])) == {"test_017_a"}
        assert check_docs.tests_of("a.cpp", "TEST(Scenario, 018_b) {\nTEST_F(Some, Thing) {") == {"Scenario.018_b", "Some.Thing"}

    def test_table_and_tests_agree(self):
        assert list(check_docs.check_scenarios(self.TABLE, self.TESTS)) == []

    def test_one_is_named_that_is_not_there(self):
        found = list(check_docs.check_scenarios(self.TABLE, self.TESTS - {"test_other"}))
        assert found == [(4, "there is no test test_other")]

    def test_one_with_a_number_is_not_named(self):
        found = list(check_docs.check_scenarios(self.TABLE, {*self.TESTS, "test_017_018_c", "Scenario.099_d"}))
        assert found == [
            (1, "the row of scenario 099 does not name Scenario.099_d"),
            (3, "the row of scenario 017 does not name test_017_018_c"),
            (4, "the row of scenario 018 does not name test_017_018_c"),
        ]

    def test_number_has_two_rows(self):
        found = list(check_docs.check_scenarios(self.TABLE + "| 017 | a | |\n", self.TESTS))
        assert found == [(5, "scenario 017 has two rows")]


class TestRights:
    TEXT = "```\nuser redis-operator on >PASSWORD -@all +info +client|kill\n```\n"

    def test_those_that_are_used_and_no_others_are_fine(self):
        assert list(check_docs.check_rights(self.TEXT, ['{"INFO", "server"}, {{"CLIENT", "KILL", id}}, {"LOADING"}'])) == []

    def test_one_that_is_missing_is_named(self):
        found = list(check_docs.check_rights(self.TEXT, ['{"INFO"}, {"CLIENT", "KILL"}, {"CLIENT",\n  "NO-EVICT"}']))
        assert found == ["the operator sends client|no-evict, which its user may not use"]

    def test_one_that_is_not_needed_is_named(self):
        found = list(check_docs.check_rights(self.TEXT, ['{"INFO"}']))
        assert found == ["the operator's user may use client|kill, which nobody sends"]
