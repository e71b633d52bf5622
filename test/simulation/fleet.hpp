#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "operator/ports/redis.hpp"
#include "test/simulation/clock.hpp"
#include "test/simulation/dice.hpp"
#include "test/simulation/network.hpp"
#include "test/simulation/redis_types.hpp"

namespace rop::simulation {

class RedisServer;

/// Told about everything that matters to a judge, at the moment at which it happens.
class FleetObserver {
  public:
    virtual ~FleetObserver() = default;
    virtual void command_applied(const RedisServer& server, const ClientConnection& client,
                                 const ports::Words& words, const ports::Reply& reply) = 0;
    /// `server` no longer has these keys, although it lives.
    virtual void keys_dropped(const RedisServer& server, const std::set<Key>& keys,
                              const std::string& why) = 0;
};

/// All redis-servers of a world and the network between them.
class Fleet {
  public:
    Fleet(Clock& clock, Dice dice);
    ~Fleet();
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    void set_observer(FleetObserver* observer) { observer_ = observer; }
    [[nodiscard]] FleetObserver* observer() { return observer_; }

    RedisServer& start(RedisOptions options);
    /// kill -9: memory is gone, peers and clients see their connections end.
    void kill(ServerId id);

    /// Null: everybody hears everybody.
    void set_network(Network* network) { network_ = network; }
    [[nodiscard]] bool hears(ServerId from, ServerId to) const;
    /// SIGSTOP and SIGCONT: what comes meanwhile is done afterwards, in its order.
    void hang(ServerId id) { hung_.try_emplace(id); }
    void wake(ServerId id);
    [[nodiscard]] bool hangs(ServerId id) const { return hung_.contains(id); }
    [[nodiscard]] bool any_hangs() const { return !hung_.empty(); }
    /// Runs `work` in the server, when it can and if it lives then.
    void run_in(ServerId id, std::function<void()> work);

    [[nodiscard]] RedisServer* find(ServerId id);
    [[nodiscard]] RedisServer* at(const Endpoint& client_address);
    [[nodiscard]] RedisServer* at_bus(const std::string& host, std::uint16_t bus_port);
    /// Asked for every packet of the bus whether its connection ends instead of carrying it.
    void set_cutter(std::function<bool()> cutter) { cutter_ = std::move(cutter); }
    /// All that live, in the order of their start. A copy: for those who kill or start.
    [[nodiscard]] std::vector<RedisServer*> alive() const { return living_; }
    [[nodiscard]] const std::vector<RedisServer*>& living() const { return living_; }

    /// What the newest server that was this node owned, by its own word, alive or dead.
    [[nodiscard]] SlotSet last_slots_of(const NodeId& node) const;

    // What servers ask of their surroundings.
    [[nodiscard]] Clock& clock() { return clock_; }
    [[nodiscard]] Dice& dice() { return dice_; }
    std::uint64_t new_link() { return ++links_; }
    void cut(ServerId owner, std::uint64_t link);
    void send(ServerId from, ServerId to, std::uint64_t link, bool inbound, Packet packet);
    /// Runs `callback` after the time that a packet takes, if server `id` still lives then.
    void later(ServerId id, std::chrono::microseconds span, std::function<void()> callback);
    [[nodiscard]] Network::Place place_of(ServerId id) const;
    [[nodiscard]] std::chrono::microseconds bus_latency();

    /// What `from` has sent arrives in `to`: now, or when the way is open and `to` can.
    void across(ServerId from, ServerId to, std::function<void()> work);

  private:
    Clock& clock_;
    Dice dice_;
    FleetObserver* observer_ = nullptr;
    std::function<bool()> cutter_;
    Network* network_ = nullptr;
    std::map<ServerId, std::vector<std::function<void()>>> hung_;
    std::vector<std::unique_ptr<RedisServer>> servers_;  // Server N is at N - 1.
    std::vector<RedisServer*> living_;
    std::map<std::pair<ServerId, ServerId>, Moment> last_arrival_;  // Connections keep order.
    std::uint64_t links_ = 0;
};

}  // namespace rop::simulation
