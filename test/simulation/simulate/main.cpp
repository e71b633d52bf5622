#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "operator/telemetry/log_settings.hpp"
#include "test/simulation/story.hpp"

// Runs many seeds in one process:
//
//     simulate --seeds 1000 --first 1     # seeds 1 to 1000
//     simulate --seed 17 --trace          # one, telling everything that happens

namespace {

struct Arguments {
    std::uint64_t first = 1;
    std::uint64_t seeds = 100;
    bool trace = false;
    bool keep_going = false;
};

[[noreturn]] void usage() {
    std::fprintf(stderr,
                 "usage: simulate [--seeds N] [--first N] [--seed N] [--trace] [--keep-going]\n");
    std::exit(2);
}

Arguments read(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        const auto value = [&]() -> std::uint64_t {
            if (++i >= argc) {
                usage();
            }
            char* end = nullptr;
            const std::uint64_t number = std::strtoull(argv[i], &end, 10);
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
        } else if (name == "--trace") {
            arguments.trace = true;
        } else if (name == "--keep-going") {
            arguments.keep_going = true;
        } else {
            usage();
        }
    }
    return arguments;
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments = read(argc, argv);
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // A crash must not hide what came before.
    rop::log::Settings settings;
    settings.level = arguments.trace ? rop::log::Level::debug : rop::log::Level::error;
    rop::log::configure(settings);

    const auto last = arguments.first + arguments.seeds;
    std::uint64_t failed = 0;
    std::uint64_t formed = 0;
    std::uint64_t commands = 0;
    std::uint64_t events = 0;
    std::chrono::microseconds lived{0};
    std::uint64_t run = 0;
    for (std::uint64_t seed = arguments.first; seed < last; ++seed) {
        const rop::simulation::Verdict verdict = rop::simulation::live(seed, arguments.trace);
        ++run;
        formed += verdict.formed ? 1U : 0U;
        commands += verdict.commands;
        events += verdict.events;
        lived += verdict.virtual_time;
        if (verdict.failure.empty()) {
            continue;
        }
        ++failed;
        std::printf("seed %llu failed: %s\n", static_cast<unsigned long long>(seed),
                    verdict.failure.c_str());
        if (!arguments.keep_going) {
            for (const std::string& line : verdict.story) {
                std::printf("    %s\n", line.c_str());
            }
            std::printf("replay: %s --seed %llu --trace\n", argv[0],
                        static_cast<unsigned long long>(seed));
            break;
        }
    }
    std::printf(
        "%llu seeds, %llu failed; %llu clusters formed with %llu commands; %llu events in %.0f "
        "virtual hours\n",
        static_cast<unsigned long long>(run), static_cast<unsigned long long>(failed),
        static_cast<unsigned long long>(formed), static_cast<unsigned long long>(commands),
        static_cast<unsigned long long>(events), static_cast<double>(lived.count()) / 3.6e9);
    return failed == 0 ? 0 : 1;
}
