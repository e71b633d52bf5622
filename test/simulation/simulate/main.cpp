#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "operator/telemetry/log_settings.hpp"
#include "test/simulation/story.hpp"

namespace {

using rop::simulation::Script;
using rop::simulation::Verdict;

struct Arguments {
    std::uint64_t first = 1;
    std::uint64_t seeds = 100;
    std::string story;
    bool one = false;
    bool show = false;
    bool trace = false;
    bool until_formed = false;
    bool keep_going = false;
};

constexpr char usage_text[] =
    R"(Runs the operator through stories of a simulated Redis, Consul and Nomad, on virtual time.

A seed decides everything: what is declared, what goes wrong and when. An oracle judges every
command against the safety rules; in the end all must be as declared, and stay quiet for twenty
rounds.

  simulate                          seeds 1 to 100
  simulate --first 1 --seeds 1000   seeds 1 to 1000, until one fails
  simulate --seed 17 --trace        one story, told in full, with what the operators log
  simulate --seed 17 --show         what a seed makes happen, as a file for --story
  simulate --story FILE             a story that was kept

  --first N      the first seed (1)
  --seeds N      how many (100)
  --seed N       this one alone
  --story FILE   this story instead of one made from a seed
  --show         print the story as it is written, and do not live it
  --trace        tell everything that happens, with its virtual time in seconds
  --until-formed end every story once all is as declared, which takes half the time
  --keep-going   do not stop at the first seed that fails; say of each why it failed
  --help         this

Exits with 0 when nothing failed, with 1 when something did, with 2 when the arguments are wrong. What
failed shows the end of its story, the command that tells all of it, and the shortest story
found that still fails: kept in test/simulation/stories it stays a test, whatever becomes of the
dice. Everything fails in the same way on every machine.
)";

[[noreturn]] void usage() {
    std::fputs(usage_text, stderr);
    std::exit(2);
}

Arguments read(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        const auto word = [&]() -> const char* {
            if (++i >= argc) {
                usage();
            }
            return argv[i];
        };
        const auto value = [&]() -> std::uint64_t {
            const char* const text = word();
            char* end = nullptr;
            const std::uint64_t number = std::strtoull(text, &end, 10);
            if (*end != '\0') {
                usage();
            }
            return number;
        };
        if (name == "--seeds") {
            arguments.seeds = value();
        } else if (name == "--first") {
            arguments.first = value();
        } else if (name == "--seed") {
            arguments.first = value();
            arguments.seeds = 1;
            arguments.one = true;
        } else if (name == "--story") {
            arguments.story = word();
            arguments.seeds = 1;
            arguments.one = true;
        } else if (name == "--show") {
            arguments.show = true;
        } else if (name == "--trace") {
            arguments.trace = true;
        } else if (name == "--until-formed") {
            arguments.until_formed = true;
        } else if (name == "--keep-going") {
            arguments.keep_going = true;
        } else if (name == "--help") {
            std::fputs(usage_text, stdout);
            std::exit(0);
        } else {
            usage();
        }
    }
    return arguments;
}

Script story_in(const std::string& path) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    auto script = rop::simulation::parse_script(text);
    if (!file || script.has_error()) {
        const std::string why = file ? script.error().what : "it cannot be read";
        std::fprintf(stderr, "simulate: %s: %s\n", path.c_str(), why.c_str());
        std::exit(2);
    }
    return std::move(script).value();
}

/// What many lives come to.
struct Sum {
    std::uint64_t run = 0;
    std::uint64_t failed = 0;
    std::uint64_t formed = 0;
    std::uint64_t commands = 0;
    std::uint64_t events = 0;
    std::chrono::microseconds lived{0};
    std::map<std::string_view, std::uint64_t> faults;

    void add(const Verdict& verdict) {
        ++run;
        failed += verdict.failure.empty() ? 0U : 1U;
        formed += verdict.formed ? 1U : 0U;
        commands += verdict.commands;
        events += verdict.events;
        lived += verdict.virtual_time;
        for (const auto& [name, times] : verdict.faults) {
            faults[name] += times;
        }
    }

    void print() const {
        const auto number = [](std::uint64_t value) {
            return static_cast<unsigned long long>(value);
        };
        std::printf(
            "%llu seeds, %llu failed; %llu clusters formed; %llu commands checked; %llu "
            "events in %.0f virtual hours\n",
            number(run), number(failed), number(formed), number(commands), number(events),
            static_cast<double>(lived.count()) / 3.6e9);
        std::printf("faults:");
        for (const auto& [name, times] : faults) {
            std::printf(" %s=%llu", std::string(name).c_str(), number(times));
        }
        std::printf("\n");
    }
};

/// A kept story of which something did not happen proves less than it says; empty: all happened.
std::string missing_from(const Script& script, const Verdict& verdict) {
    for (const auto& event : script.events) {
        const std::string_view kind = rop::simulation::to_string(event.kind);
        if (!event.is_needed() && !verdict.faults.contains(kind)) {
            return std::string(kind) + " found nobody to whom it could happen";
        }
    }
    return verdict.faults.empty() ? "nothing went wrong in it" : "";
}

/// A story in which something did not happen ends well however short it is.
enum class Shortening { none, full };

void explain(const Script& script, const Verdict& verdict, const std::string& replay,
             Shortening how) {
    constexpr int tries = 300;
    for (const std::string& line : verdict.story) {
        std::printf("    %s\n", line.c_str());
    }
    std::printf("replay: %s --trace\n", replay.c_str());
    if (how == Shortening::none) {
        return;
    }
    const Script shortest = rop::simulation::shortened(script, tries);
    const Verdict again = rop::simulation::live(shortest);
    std::printf("the shortest story found that fails (%s):\n%s", again.failure.c_str(),
                rop::simulation::to_text(shortest).c_str());
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments = read(argc, argv);
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // A crash must not hide what came before.
    rop::log::Settings settings;
    settings.level = arguments.trace ? rop::log::Level::debug : rop::log::Level::error;
    rop::log::configure(settings);

    Sum sum;
    for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
        const bool kept = !arguments.story.empty();
        const Script script = kept ? story_in(arguments.story) : rop::simulation::script_of(seed);
        if (arguments.show) {
            std::fputs(rop::simulation::to_text(script).c_str(), stdout);
            continue;
        }
        Verdict verdict = rop::simulation::live(
            script, {.print_all = arguments.trace, .until_formed = arguments.until_formed});
        const auto shortening = verdict.failure.empty() ? Shortening::none : Shortening::full;
        if (kept && verdict.failure.empty()) {
            verdict.failure = missing_from(script, verdict);
        }
        sum.add(verdict);
        if (verdict.failure.empty()) {
            continue;
        }
        const std::string what = kept ? arguments.story : "seed " + std::to_string(seed);
        std::printf("%s failed: %s\n", what.c_str(), verdict.failure.c_str());
        if (!arguments.keep_going) {
            explain(script, verdict,
                    std::string(argv[0]) +
                        (kept ? " --story " + arguments.story : " --seed " + std::to_string(seed)),
                    shortening);
            break;
        }
    }
    if (!arguments.show) {
        sum.print();
    }
    return sum.failed == 0 ? 0 : 1;
}
