#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "operator/telemetry/log_settings.hpp"
#include "test/crash/interrupted.hpp"

// Kills the operator before and after every effect that it has on the world:
//
//     crash_points                                       # all points of all deeds
//     crash_points --every 7                             # every seventh
//     crash_points --deed formation --list               # what the effects are
//     crash_points --deed formation --after 12 --trace   # one point, told

namespace {

using rop::simulation::Deed;
using rop::simulation::Ending;
using rop::simulation::Point;

struct Arguments {
    std::size_t every = 1;
    std::optional<Deed> deed;
    std::optional<Point> point;
    bool trace = false;
    bool list = false;
    bool keep_going = false;
};

[[noreturn]] void usage() {
    std::fprintf(stderr,
                 "usage: crash_points [--every N] [--deed NAME [--list | --before N | --after N]] "
                 "[--trace] [--keep-going]\n");
    std::exit(2);
}

Arguments read(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        const std::string value = i + 1 < argc ? argv[i + 1] : "";
        const auto number = static_cast<std::size_t>(std::strtoull(value.c_str(), nullptr, 10));
        if (name == "--trace" || name == "--list" || name == "--keep-going") {
            (name == "--trace"  ? arguments.trace
             : name == "--list" ? arguments.list
                                : arguments.keep_going) = true;
            continue;
        }
        ++i;
        if (name == "--deed") {
            for (const Deed deed : rop::simulation::all_deeds) {
                arguments.deed = to_string(deed) == value ? deed : arguments.deed;
            }
        } else if (name == "--every" && number > 0) {
            arguments.every = number;
        } else if ((name == "--before" || name == "--after") && number > 0) {
            arguments.point = Point{number, name == "--after"};
        } else {
            usage();
        }
    }
    return arguments;
}

class Run {
  public:
    explicit Run(const Arguments& arguments, const char* program)
        : arguments_(arguments), program_(program) {}

    /// False: it is over.
    bool deed(Deed deed) {
        const Ending whole = interrupted(deed, Point{}, arguments_.trace && arguments_.list);
        if (arguments_.list) {
            for (std::size_t i = 0; i < whole.effects.size(); ++i) {
                std::printf("%zu: %s\n", i + 1, whole.effects[i].c_str());
            }
        }
        if (!whole.failure.empty()) {
            return fail(deed, Point{}, whole, whole.failure);
        }
        const std::size_t before = points_;
        for (std::size_t i = 1; !arguments_.list && i <= whole.effects.size(); ++i) {
            for (const bool happened : {false, true}) {
                const Point point{i, happened};
                const bool wanted = arguments_.point ? arguments_.point->effect == i &&
                                                           arguments_.point->happened == happened
                                                     : (2 * i + happened) % arguments_.every == 0;
                if (wanted && !one(deed, point, whole) && !arguments_.keep_going) {
                    return false;
                }
            }
        }
        std::printf("%s: %zu effects, killed at %zu points\n", to_string(deed).c_str(),
                    whole.effects.size(), points_ - before);
        effects_ += whole.effects.size();
        return true;
    }

    [[nodiscard]] int end() const {
        std::printf("%zu effects, killed at %zu points, %zu failed\n", effects_, points_, failed_);
        return failed_ == 0 ? 0 : 1;
    }

  private:
    bool one(Deed deed, Point point, const Ending& whole) {
        const Ending ending = interrupted(deed, point, arguments_.trace);
        ++points_;
        if (!ending.failure.empty()) {
            return fail(deed, point, ending, ending.failure);
        }
        if (ending.effects.back() != whole.effects.at(point.effect - 1)) {
            return fail(deed, point, ending, "the effect is another than without a crash");
        }
        if (ending.state != whole.state) {
            std::string what = "it ends in another state";
            for (const std::string& line : whole.state) {
                what += "\n    without: " + line;
            }
            for (const std::string& line : ending.state) {
                what += "\n    with:    " + line;
            }
            return fail(deed, point, ending, what);
        }
        return true;
    }

    bool fail(Deed deed, Point point, const Ending& ending, const std::string& why) {
        ++failed_;
        const char* side = point.happened ? "after" : "before";
        std::printf("%s, killed %s effect %zu (%s): %s\n", to_string(deed).c_str(), side,
                    point.effect, ending.effects.empty() ? "" : ending.effects.back().c_str(),
                    why.c_str());
        if (!arguments_.keep_going) {
            for (const std::string& line : ending.story) {
                std::printf("    %s\n", line.c_str());
            }
            std::printf("replay: %s --deed %s --%s %zu --trace\n", program_,
                        to_string(deed).c_str(), side, point.effect);
        }
        return false;
    }

    const Arguments& arguments_;
    const char* program_;
    std::size_t effects_ = 0;
    std::size_t points_ = 0;
    std::size_t failed_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments = read(argc, argv);
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    rop::log::Settings settings;
    settings.level = arguments.trace ? rop::log::Level::debug : rop::log::Level::error;
    rop::log::configure(settings);
    Run run(arguments, argv[0]);
    for (const Deed deed : rop::simulation::all_deeds) {
        if ((!arguments.deed || *arguments.deed == deed) && !run.deed(deed)) {
            break;
        }
    }
    return run.end();
}
