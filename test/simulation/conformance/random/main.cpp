#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "test/simulation/conformance/play.hpp"

// Plays random scripts to the model of redis-server and to real ones, and compares:
//
//     conformance --first 1 --scripts 500          # many, several at a time
//     conformance --seed 17 --without 2,5 --trace  # one, without some of its moves

namespace {

using rop::simulation::Played;
using rop::simulation::RealLab;

struct Arguments {
    std::uint64_t first = 1;
    std::uint64_t scripts = 100;
    std::size_t at_once = 16;
    std::vector<std::size_t> without;
    bool trace = false;
    bool keep_going = false;
};

[[noreturn]] void usage() {
    std::fprintf(stderr,
                 "usage: conformance [--first N] [--scripts N] [--at-once N] [--seed N] "
                 "[--without MOVE,...] [--trace] [--keep-going]\n");
    std::exit(2);
}

Arguments read(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--trace" || name == "--keep-going") {
            (name == "--trace" ? arguments.trace : arguments.keep_going) = true;
            continue;
        }
        if (++i >= argc) {
            usage();
        }
        std::istringstream value(argv[i]);
        if (name == "--without") {
            for (std::string move; std::getline(value, move, ',');) {
                arguments.without.push_back(std::strtoul(move.c_str(), nullptr, 10));
            }
            continue;
        }
        std::uint64_t number = 0;
        if (!(value >> number)) {
            usage();
        }
        if (name == "--first" || name == "--seed") {
            arguments.first = number;
            arguments.scripts = name == "--seed" ? 1 : arguments.scripts;
        } else if (name == "--scripts") {
            arguments.scripts = number;
        } else if (name == "--at-once") {
            arguments.at_once = std::max<std::uint64_t>(number, 1);
        } else {
            usage();
        }
    }
    return arguments;
}

/// What all threads share.
class Run {
  public:
    Run(const Arguments& arguments, std::string program)
        : arguments_(arguments), program_(std::move(program)), next_(arguments.first) {}

    void work() {
        RealLab real;
        while (!stop_) {
            const std::uint64_t seed = next_++;
            if (seed >= arguments_.first + arguments_.scripts) {
                return;
            }
            Played played = play(seed, arguments_.without, real);
            bool twice = false;
            if (!played.difference.empty()) {
                // A machine that stood still for a second is no difference: real servers take
                // each other for dead then. What is one shows again.
                if (arguments_.trace) {
                    print(played);
                }
                real.spend();
                twice = true;
                played = play(seed, arguments_.without, real);
            }
            note(seed, played, twice, real);
        }
    }

    [[nodiscard]] int end() const {
        std::printf(
            "%llu random scripts, %llu failed; %llu replies and %llu states compared with "
            "redis-server; %llu scripts were tried twice\n",
            static_cast<unsigned long long>(scripts_), static_cast<unsigned long long>(failed_),
            static_cast<unsigned long long>(replies_), static_cast<unsigned long long>(states_),
            static_cast<unsigned long long>(twice_));
        return failed_ == 0 ? 0 : 1;
    }

  private:
    void note(std::uint64_t seed, const Played& played, bool twice, RealLab& real) {
        const std::scoped_lock lock(mutex_);
        ++scripts_;
        replies_ += played.replies;
        states_ += played.states;
        twice_ += twice ? 1U : 0U;
        if (arguments_.trace) {
            print(played);
        }
        if (played.difference.empty() || stop_) {
            return;
        }
        ++failed_;
        stop_ = !arguments_.keep_going;
        const auto number = static_cast<unsigned long long>(seed);
        std::printf("script %llu: model and servers differ\n", number);
        std::vector<std::size_t> without = arguments_.without;
        Played shorter = played;
        if (!arguments_.keep_going && arguments_.scripts > 1) {
            without = rop::simulation::shortened(seed, without, real);
            shorter = play(seed, without, real);
        }
        print(shorter.difference.empty() ? played : shorter);
        std::string list;
        for (const std::size_t move : without) {
            list += (list.empty() ? "" : ",") + std::to_string(move);
        }
        std::printf("replay: %s --seed %llu%s%s --trace\n", program_.c_str(), number,
                    list.empty() ? "" : " --without ", list.c_str());
    }

    static void print(const Played& played) {
        for (const std::string& line : played.lines) {
            std::printf("    %s\n", line.c_str());
        }
        if (!played.difference.empty()) {
            std::printf("  %s\n", played.difference.c_str());
        }
    }

    const Arguments& arguments_;
    std::string program_;
    std::atomic<std::uint64_t> next_;
    std::atomic<bool> stop_ = false;
    std::mutex mutex_;
    std::uint64_t scripts_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t replies_ = 0;
    std::uint64_t states_ = 0;
    std::uint64_t twice_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments = read(argc, argv);
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    Run run(arguments, argv[0]);
    std::vector<std::thread> threads;
    const std::size_t count = std::min<std::size_t>(arguments.at_once, arguments.scripts);
    for (std::size_t i = 0; i < count; ++i) {
        threads.emplace_back([&run] { run.work(); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    return run.end();
}
