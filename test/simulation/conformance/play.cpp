#include "test/simulation/conformance/play.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>

#include "test/simulation/conformance/compare.hpp"

namespace rop::simulation {
namespace {

using std::chrono::milliseconds;

class Player {
  public:
    Player(std::uint64_t seed, RealLab& real)
        : tale_(tale_of(seed)), model_(tale_.terms, seed), real_(real) {
        real_.begin(tale_.terms);
    }

    Played play(const std::vector<std::size_t>& without) {
        for (std::size_t i = 0; i < tale_.moves.size() && played_.difference.empty(); ++i) {
            if (std::ranges::find(without, i) != without.end()) {
                continue;
            }
            const std::vector<Line> lines = lines_of(tale_.moves[i], model_, course_);
            bool changes = false;
            for (const Line& line : lines) {
                if (played_.difference.empty()) {
                    changes = say(line, i) || changes;
                }
            }
            if (played_.difference.empty() && changes) {
                settle(i);
            }
        }
        return std::move(played_);
    }

  private:
    /// True: it may have changed something.
    bool say(const Line& line, std::size_t move) {
        played_.lines.push_back(std::to_string(move) + ": " + line.to_string());
        if (line.kind == Line::Kind::kill) {
            model_.kill(line.server);
            real_.kill(line.server);
            return true;
        }
        if (line.kind == Line::Kind::start) {
            model_.start(line.server, line.how);
            real_.start(line.server, line.how);
            course_.epochs = course_.epochs && line.how != Restart::as_a_blank_one;
            return true;
        }
        if (line.words.starts_with("CLUSTER FAILOVER")) {
            real_.spend();
        }
        const std::string expected = ask(model_, line);
        const std::string actual = ask(real_, line);
        ++played_.replies;
        const bool bumps = line.words == "CLUSTER BUMPEPOCH" && !course_.epochs;
        if (expected != actual && !bumps) {
            differ(line.to_string(), expected, actual);
        }
        return expected.starts_with("+");
    }

    std::string ask(Lab& lab, const Line& line) {
        ports::Words words = words_of(lab, line.words);
        if (words.back() == "{client:a}") {
            words.back() = std::to_string(client_ids_[{&lab, line.server}]);
        }
        if (line.connection == "a" && words[1] == "SETNAME") {
            const auto id = lab.ask(line.server, "a", {"CLIENT", "ID"});
            client_ids_[{&lab, line.server}] = id ? id->integer : 999'999;
        }
        return plain(lab, words, lab.ask(line.server, line.connection, words), course_.epochs);
    }

    void differ(const std::string& at, const std::string& expected, const std::string& actual) {
        played_.difference = at + "\n  the model:\n" + expected + "\n  the server:\n" + actual;
    }

    std::vector<std::string> states(Lab& lab, std::size_t server) {
        std::vector<std::string> all;
        for (const ports::Words& words : state_questions()) {
            all.push_back(plain(lab, words, lab.ask(server, "", words), course_.epochs));
        }
        return all;
    }

    /// The model first, until it is at rest; then the real servers have to come to the same.
    void settle(std::size_t move) {
        std::map<std::size_t, std::vector<std::string>> expected;
        constexpr milliseconds step{1'500};
        constexpr int quiet_steps = 3;  // Longer than the longest wait of a node: two timeouts.
        constexpr int most_steps = 14;
        int quiet = 0;
        for (int i = 0; i < most_steps && quiet < quiet_steps; ++i) {
            model_.run_for(step);
            auto now = states_of_the_model();
            quiet = now == expected ? quiet + 1 : 0;
            expected = std::move(now);
        }
        if (quiet < quiet_steps) {
            played_.difference =
                "after move " + std::to_string(move) + ": the model does not come to rest";
            return;
        }
        for (const auto& [server, state] : expected) {
            const auto done = [&] { return agrees(server, state); };
            if (!testing::eventually(done, std::chrono::seconds{25}, milliseconds{50})) {
                differ("after move " + std::to_string(move) + ", the state of " +
                           std::to_string(server),
                       joined(state), joined(real_states_));
                return;
            }
            played_.states += state_questions().size();
        }
    }

    std::map<std::size_t, std::vector<std::string>> states_of_the_model() {
        std::map<std::size_t, std::vector<std::string>> all;
        for (std::size_t i = 1; i <= model_.count(); ++i) {
            if (model_.running(i)) {
                all[i] = states(model_, i);
            }
        }
        return all;
    }

    bool agrees(std::size_t server, const std::vector<std::string>& expected) {
        const auto replies = real_.ask_all(server, state_questions());
        real_states_.clear();
        for (std::size_t i = 0; i < expected.size(); ++i) {
            real_states_.push_back(plain(real_, state_questions()[i],
                                         replies ? std::optional(replies->at(i)) : std::nullopt,
                                         course_.epochs));
        }
        return real_states_ == expected;
    }

    static std::string joined(const std::vector<std::string>& texts) {
        std::string all;
        for (const std::string& text : texts) {
            all += text;
        }
        return all;
    }

    Tale tale_;
    ModelLab model_;
    RealLab& real_;
    Course course_;
    Played played_;
    std::vector<std::string> real_states_;
    std::map<std::pair<const Lab*, std::size_t>, std::int64_t> client_ids_;
};

}  // namespace

Played play(std::uint64_t seed, const std::vector<std::size_t>& without, RealLab& real) {
    return Player(seed, real).play(without);
}

std::vector<std::size_t> shortened(std::uint64_t seed, std::vector<std::size_t> without,
                                   RealLab& real) {
    const std::size_t moves = tale_of(seed).moves.size();
    for (std::size_t i = moves; i-- > 0;) {
        if (std::ranges::find(without, i) != without.end()) {
            continue;
        }
        std::vector<std::size_t> fewer = without;
        fewer.push_back(i);
        if (!play(seed, fewer, real).difference.empty()) {
            without = std::move(fewer);
        }
    }
    return without;
}

}  // namespace rop::simulation
