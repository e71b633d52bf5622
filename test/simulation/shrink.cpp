#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "test/simulation/story.hpp"

// A failure with as little as possible around it (delta debugging).
namespace rop::simulation {

namespace {

/// What kind of failure it is: names and numbers of it may change when a story gets shorter.
std::string kind_of(const std::string& failure) {
    const auto is_letter = [](unsigned char letter) { return std::isalpha(letter) != 0; };
    return {failure.begin(), std::ranges::find_if_not(failure, is_letter)};
}

class Shrinking {
  public:
    Shrinking(Script script, int tries)
        : script_(std::move(script)), tries_(tries), kind_(kind_of(live(script_).failure)) {}

    Script shrink() {
        without_rates();
        for (std::size_t part = script_.events.size() / 2; part > 0; part /= 2) {
            without_parts_of(part);
        }
        without_each_rate();
        fewer_operators();
        return std::move(script_);
    }

  private:
    bool keep_if_it_fails(Script candidate) {
        if (tries_ <= 0) {
            return false;
        }
        --tries_;
        if (const Verdict verdict = live(candidate);
            verdict.failure.empty() || kind_of(verdict.failure) != kind_) {
            return false;
        }
        script_ = std::move(candidate);
        return true;
    }

    void without_parts_of(std::size_t part) {
        for (std::size_t from = 0; from < script_.events.size();) {
            Script candidate = script_;
            const std::size_t end = std::min(from + part, candidate.events.size());
            std::vector<Event> kept;
            for (std::size_t i = 0; i < candidate.events.size(); ++i) {
                if (i < from || i >= end || candidate.events[i].is_needed()) {
                    kept.push_back(candidate.events[i]);
                }
            }
            const bool less = kept.size() < candidate.events.size();
            candidate.events = std::move(kept);
            if (!less || !keep_if_it_fails(std::move(candidate))) {
                from += part;
            }
        }
    }

    void without_rates() {
        Script candidate = script_;
        candidate.rates = FaultRates{};
        keep_if_it_fails(std::move(candidate));
    }

    void without_each_rate() {
        static constexpr double FaultRates::*rates[] = {
            &FaultRates::request_lost,  &FaultRates::reply_lost,   &FaultRates::slow,
            &FaultRates::late,          &FaultRates::doubled,      &FaultRates::refused,
            &FaultRates::split,         &FaultRates::stall,        &FaultRates::bus_cut,
            &FaultRates::spurious_wake, &FaultRates::agent_refused};
        for (const auto rate : rates) {
            if (script_.rates.*rate > 0) {
                Script candidate = script_;
                candidate.rates.*rate = 0;
                keep_if_it_fails(std::move(candidate));
            }
        }
    }

    void fewer_operators() {
        if (script_.operators > 1) {
            Script candidate = script_;
            candidate.operators = 1;
            std::erase_if(candidate.events, [](const Event& event) {
                return event.kind == Event::Kind::start_operator && event.who > 0;
            });
            keep_if_it_fails(std::move(candidate));
        }
    }

    Script script_;
    int tries_;
    std::string kind_;
};

}  // namespace

Script shortened(Script script, int tries) {
    return Shrinking(std::move(script), tries).shrink();
}

}  // namespace rop::simulation
