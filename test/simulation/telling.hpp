#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "test/simulation/redis_server.hpp"
#include "test/simulation/story.hpp"

namespace rop::simulation {

/// One story from its beginning to its end. What happens in it is in story.cpp and
/// story_faults.cpp, what is expected of its end in story_end.cpp.
class Story {
  public:
    Story(Script script, Telling how);
    Verdict tell();

  private:
    static constexpr std::chrono::seconds convergence_limit{120};
    static constexpr int idle_rounds = 20;

    // story.cpp
    /// What was to happen and did not before the end will not.
    void later(std::chrono::microseconds span, std::function<void()> work);
    /// `end` happens after a while, or when faults stop; once.
    void until(std::chrono::milliseconds lasts, std::function<void()> end);
    void happen(const Event& event);
    void count(const Event& event) { ++verdict_.faults[to_string(event.kind)]; }
    void begin_stranger(const Event& event);
    void begin_foreign_cluster(const Event& event);
    void hit_operator(const Event& event);
    void hit_instance(const Event& event);
    void hit_stores(const Event& event);
    void hit_network(const Event& event);
    void hit_keys(const Event& event);

    // story_faults.cpp
    void strike_operator(const Event& event);
    void changed();
    static void run_once(const std::shared_ptr<std::function<void()>>& once);
    void hang(const Event& event);
    void clone(const Event& event);
    void reuse_address(const Event& event);
    void take_address_of(ServerId id, const Event& event);
    void cut_power();
    void cut(const Event& event, Network::Some one, Network::Some other);
    void leave_host(const Event& event);
    void lose_consul_data(const Event& event);
    void fail_elsewhere(const Event& event);
    void spoil(const std::string& key, bool remove);
    [[nodiscard]] bool is_forming() const;
    [[nodiscard]] bool is_formed() const;
    [[nodiscard]] bool is_healthy();
    [[nodiscard]] bool may_die(const RedisServer& victim);
    [[nodiscard]] bool may_leave(std::size_t host);

    // story_end.cpp
    void heal();
    void tell_what_is_said();
    void expect_formed();
    void expect_nothing();
    void expect_mourning();
    void expect_status(Phase phase, const std::string& reason);
    void expect_quiet();
    Verdict conclude();
    void fail(const std::string& why) {
        if (verdict_.failure.empty()) {
            verdict_.failure = why;
        }
    }

    /// One of several, by thousandths of their number.
    template <class T>
    static const T& chosen(const std::vector<T>& from, std::uint32_t thousandths) {
        return from[from.size() * (thousandths % 1'000) / 1'000];
    }
    [[nodiscard]] std::size_t some_host(std::uint32_t thousandths) const {
        return options_.hosts * (thousandths % 1'000) / 1'000;
    }
    [[nodiscard]] std::size_t some_operator(std::uint32_t thousandths) const {
        return script_.operators * (thousandths % 1'000) / 1'000;
    }
    [[nodiscard]] std::vector<ServerId> victims();

    /// Waits for an operator to have made so many changes.
    struct Strike {
        std::uint64_t target = 0;
        std::shared_ptr<std::function<void()>> once;
    };

    Script script_;
    Telling how_;
    WorldOptions options_;
    std::unique_ptr<World> world_;
    Verdict verdict_;
    std::vector<std::shared_ptr<std::function<void()>>> endings_;
    std::vector<Strike> strikes_;
    std::optional<ServerId> clone_;
    bool healed_ = false;
    bool over_ = false;
    bool foreign_ = false;  // An earlier cluster forbids to form.
    bool lost_ = false;     // All that was formed.
};

}  // namespace rop::simulation
