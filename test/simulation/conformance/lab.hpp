#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "test/simulation/conformance/wire.hpp"
#include "test/simulation/redis_server.hpp"
#include "test/support/local_servers.hpp"

// The same few servers twice: modelled, and real. A script is told to both, word by word.
namespace rop::simulation {

/// What one server is called. `id` is of its present life; a fresh start brings another.
struct Facts {
    std::string id;
    std::uint16_t port = 0;
    std::uint16_t bus_port = 0;
    std::vector<std::string> former;  // Ids of its lives before, the oldest first.
};

/// What a server that was killed finds when it is started again.
enum class Restart {
    with_data,       // Its folder as it left it.
    without_data,    // Its table of nodes, but none of its keys.
    on_new_ports,    // Its folder, at another address.
    as_a_blank_one,  // Nothing, at the same address.
};

/// Servers are numbered from 1, in the order of their first node ids.
class Lab {
  public:
    virtual ~Lab() = default;

    [[nodiscard]] std::size_t count() const { return facts_.size(); }
    [[nodiscard]] const Facts& facts(std::size_t server) const { return facts_.at(server - 1); }
    [[nodiscard]] virtual bool running(std::size_t server) const = 0;

    /// Over the connection of that name, opened when it is first used. Nothing: it was closed.
    virtual std::optional<ports::Reply> ask(std::size_t server, const std::string& connection,
                                            const ports::Words& words) = 0;
    /// Its data is saved first: what a start finds is up to the start.
    virtual void kill(std::size_t server) = 0;
    virtual void start(std::size_t server, Restart how) = 0;
    /// The word by which this lab knows the key of that number: of the same slot in every lab.
    [[nodiscard]] virtual std::string key(Key key) const = 0;

  protected:
    void renamed(std::size_t server, std::string id);

    std::vector<Facts> facts_;
};

/// What all servers are started with, modelled or real.
struct Terms {
    std::size_t servers = 1;
    bool replica_migration = false;
};
constexpr std::chrono::milliseconds lab_node_timeout{1'000};

class ModelLab : public Lab {
  public:
    ModelLab(const Terms& terms, std::uint64_t seed);

    [[nodiscard]] bool running(std::size_t server) const override;
    std::optional<ports::Reply> ask(std::size_t server, const std::string& connection,
                                    const ports::Words& words) override;
    void kill(std::size_t server) override;
    void start(std::size_t server, Restart how) override;
    [[nodiscard]] std::string key(Key key) const override { return std::to_string(key); }

    void run_for(std::chrono::microseconds span);
    [[nodiscard]] const RedisServer& server(std::size_t number) const;

  private:
    Clock clock_;
    Fleet fleet_;
    std::vector<RedisServer*> servers_;
    std::map<std::pair<std::size_t, std::string>, std::int64_t> clients_;
    std::uint16_t next_port_ = 21'001;
};

/// Kept from script to script: a redis-server takes longer to start than most scripts.
class RealLab : public Lab {
  public:
    /// All of them alive, blank, and strangers to each other.
    void begin(const Terms& terms);
    /// They took part in an election, of which a server keeps the time: none of them again.
    void spend() { spent_ = true; }

    [[nodiscard]] bool running(std::size_t server) const override;
    std::optional<ports::Reply> ask(std::size_t server, const std::string& connection,
                                    const ports::Words& words) override;
    /// Several questions at once, over a connection of the lab's own.
    std::optional<std::vector<ports::Reply>> ask_all(std::size_t server,
                                                     const std::vector<ports::Words>& commands);
    void kill(std::size_t server) override;
    void start(std::size_t server, Restart how) override;
    [[nodiscard]] std::string key(Key key) const override;

  private:
    struct Server {
        std::unique_ptr<testing::ScratchFolder> folder;
        std::unique_ptr<testing::ChildProcess> process;
        std::uint16_t port = 0;
        std::uint16_t bus_port = 0;
        std::string id;
        std::map<std::string, std::unique_ptr<Wire>> wires;
    };

    void launch(Server& server, bool same_ports);
    [[nodiscard]] bool make_blank(Server& server, const Terms& terms);

    std::vector<std::unique_ptr<Server>> servers_;
    bool spent_ = false;
};

}  // namespace rop::simulation
