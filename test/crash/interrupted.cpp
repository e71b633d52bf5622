#include "test/crash/interrupted.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "test/simulation/redis_server.hpp"
#include "test/simulation/world.hpp"

namespace rop::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

WorldOptions options_of(Deed deed) {
    WorldOptions options;
    options.seed = 40 + static_cast<std::uint64_t>(deed);
    options.node_timeout = seconds{2};
    return options;
}

class Interrupted {
  public:
    Interrupted(Deed deed, Point point, bool print_all)
        : deed_(deed), point_(point), world_(options_of(deed)) {
        if (print_all) {
            world_.trace().print_all();
        }
    }

    Ending run() {
        world_.run_job();
        world_.run_for(seconds{3});
        if (deed_ == Deed::formation) {
            world_.declare();
            watch();
            world_.start_operator(0);
        } else {
            world_.declare();
            world_.start_operator(0);
            finish("before anything was asked for");
            watch();
            disturb();
        }
        const std::string phase = "with the operator killed " + shown();
        if (ending_.failure.empty() && point_.effect > 0) {
            world_.run_until([this] { return struck_; }, minutes{3});
            if (!struck_ && !world_.oracle().violation()) {
                ending_.failure = "there is no effect " + std::to_string(point_.effect);
            }
            world_.run_for(milliseconds{50});
            world_.start_operator(1);
        }
        finish(phase);
        conclude();
        return std::move(ending_);
    }

  private:
    [[nodiscard]] std::string shown() const {
        return point_.effect == 0 ? "never"
                                  : std::string(point_.happened ? "after" : "before") + " effect " +
                                        std::to_string(point_.effect);
    }

    /// From now on what the operator does is counted, and ends at the point.
    void watch() {
        world_.faults().set_strike(
            [this](const std::string&, const std::string& effect, bool happened) {
                if (struck_) {
                    return false;  // Another one's.
                }
                if (!happened) {
                    ending_.effects.push_back(effect);
                }
                struck_ = ending_.effects.size() == point_.effect && happened == point_.happened;
                if (struck_) {
                    world_.crash_operator(0);
                }
                return struck_;
            });
    }

    void disturb() {
        if (deed_ == Deed::replica_placement) {
            world_.nomad().run(world_.options().instances + 1);
            extra_ = 1;
            return;
        }
        if (deed_ == Deed::adoption) {
            world_.lose_consul_data();
            world_.declare();
            return;
        }
        const bool primary = deed_ == Deed::succession;
        for (const RedisServer* server : world_.oracle().ours()) {
            if (server->self().is_primary == primary) {
                world_.crash_instance(server->id());
                return;
            }
        }
    }

    /// As declared, with whoever is to be there, and with nobody left to be kept away.
    [[nodiscard]] bool done() {
        return world_.oracle().ours().size() == world_.options().instances + extra_ &&
               world_.unfinished().empty() && world_.oracle().record()->former.empty() &&
               !world_.oracle().record()->node_timeout_found;
    }

    void finish(const std::string& phase) {
        if (!ending_.failure.empty()) {
            return;
        }
        // A former member is remembered for a minute after it was seen last.
        if (!world_.run_until([this] { return done(); }, minutes{5}) &&
            !world_.oracle().violation()) {
            ending_.failure = "not as declared " + phase + ": " + world_.unfinished();
            return;
        }
        world_.run_for(seconds{12});
        const std::uint64_t before = world_.oracle().changes();
        world_.run_for(seconds{30});
        if (world_.oracle().changes() != before && !world_.oracle().violation()) {
            ending_.failure = "not quiet " + phase;
        }
    }

    void conclude() {
        if (world_.oracle().violation()) {
            ending_.failure = *world_.oracle().violation();
        }
        describe();
        std::ranges::sort(ending_.state);
        ending_.story = world_.trace().story();
    }

    /// The state in which a cluster is left: of every instance, by its address, what it is, whose,
    /// with which slots and settings, and whether it serves; of the record everything. Node ids,
    /// epochs and times are left out, and so are config epochs: who asks in another order gets
    /// others.
    void describe() {
        for (const RedisServer* server : world_.oracle().ours()) {
            const RedisServer* primary = nullptr;
            for (const RedisServer* other : world_.oracle().ours()) {
                primary = other->node() == server->self().primary ? other : primary;
            }
            ending_.state.push_back(
                to_string(server->options().at) +
                (server->self().is_primary ? " is a primary" : " is a replica") +
                (primary != nullptr ? " of " + to_string(primary->options().at) : "") +
                " with the slots [" + server->self().slots.to_string() + "], node timeout " +
                std::to_string(server->node_timeout().count()) + " ms, replica migration " +
                (server->replica_migration() ? "yes" : "no") + ", knows " +
                std::to_string(server->table().size()) +
                (server->state_ok() ? ", serves" : ", does not serve") +
                (server->self().is_primary || server->link_up() ? "" : ", without its link"));
        }
        if (const auto& record = world_.oracle().record()) {
            ending_.state.push_back(
                "the record: " + std::string(rop::to_string(record->state)) + ", " +
                std::to_string(record->members.size()) + " members, " +
                std::to_string(record->former.size()) + " former, " +
                std::to_string(record->layout.size()) + " shards in the layout" +
                (record->node_timeout_found ? ", a node timeout to restore" : ""));
            for (const auto& [instance, member] : record->members) {
                ending_.state.push_back("the record has " + instance.value());
            }
        }
        for (const auto& [name, view] : world_.leaders_view()) {
            if (view.status != nullptr) {
                ending_.state.push_back(
                    "the status: " + std::string(rop::to_string(view.status->phase)) + "/" +
                    view.status->reason + ", " + view.status->message);
            }
        }
    }

    Deed deed_;
    Point point_;
    Ending ending_;
    bool struck_ = false;
    std::size_t extra_ = 0;
    World world_;
};

}  // namespace

std::string to_string(Deed deed) {
    switch (deed) {
        case Deed::formation:
            return "formation";
        case Deed::replica_placement:
            return "replica-placement";
        case Deed::forgetting:
            return "forgetting";
        case Deed::adoption:
            return "adoption";
        case Deed::succession:
            break;
    }
    return "succession";
}

Ending interrupted(Deed deed, Point point, bool print_all) {
    return Interrupted(deed, point, print_all).run();
}

}  // namespace rop::simulation
