#include <algorithm>
#include <charconv>
#include <utility>

#include "test/simulation/redis_reply.hpp"
#include "test/simulation/redis_server.hpp"

// What a client may ask. Texts of errors are those of redis-server 7.0.15.
namespace rop::simulation {

using ports::Words;

std::int64_t RedisServer::accept(const std::string& owner, std::function<void()> on_closed) {
    ClientConnection client;
    client.id = ++last_client_;
    client.owner = owner;
    client.authenticated = !options_.password;
    client.since = now();
    client.on_closed = std::move(on_closed);
    clients_[last_client_] = std::move(client);
    return last_client_;
}

ports::Reply RedisServer::execute(std::int64_t client_id, const Words& words) {
    const auto it = clients_.find(client_id);
    if (it == clients_.end() || words.empty()) {
        return error("ERR no such connection");
    }
    Reply answer = dispatch(it->second, words);
    if (fleet_.observer() != nullptr) {
        fleet_.observer()->command_applied(*this, it->second, words, answer);
    }
    if (must_update_state_) {  // beforeSleep
        update_state();
    }
    return answer;
}

ports::Reply RedisServer::dispatch(ClientConnection& client, const Words& words) {
    const std::string name = lower(words[0]);
    if (auto refused = refuse_words(words)) {
        return *std::move(refused);
    }
    if (name == "auth") {
        return auth(client, words);
    }
    if (!client.authenticated) {
        return error("NOAUTH Authentication required.");
    }
    if (name == "client") {
        return client_command(client, words);
    }
    if (name == "info") {
        return text(info(words));
    }
    if (name == "config") {
        return config(words);
    }
    if (loading()) {
        return error("LOADING Redis is loading the dataset in memory");
    }
    if (name == "ping" && words.size() == 1) {
        return status("PONG");
    }
    if (name == "dbsize" && words.size() == 1) {
        return integer(static_cast<std::int64_t>(keys_.size()));
    }
    if (name == "role" && words.size() == 1) {
        return role();
    }
    if (name == "cluster") {
        return cluster(words);
    }
    if (name == "set" && words.size() == 3) {
        return set_key(words);
    }
    return error("ERR syntax error");
}

ports::Reply RedisServer::auth(ClientConnection& client, const Words& words) {
    if (words.size() > 3) {
        return error("ERR syntax error");
    }
    if (!options_.password && words.size() == 2) {
        return error(
            "ERR AUTH <password> called without any password configured for the default user. "
            "Are you sure your configuration is correct?");
    }
    const bool known_user = words.size() == 2 || words[1] == "default";
    if (known_user && (!options_.password || words.back() == *options_.password)) {
        client.authenticated = true;
        return status("OK");
    }
    return error("WRONGPASS invalid username-password pair or user is disabled.");
}

ports::Reply RedisServer::client_command(ClientConnection& client, const Words& words) {
    const std::string name = lower(words[1]);
    if (name == "setname" && words.size() == 3) {
        client.name = words[2];
        return status("OK");
    }
    if (name == "getname" && words.size() == 2) {
        return client.name.empty() ? nil() : text(client.name);
    }
    if (name == "id" && words.size() == 2) {
        return integer(client.id);
    }
    if (name == "list") {
        return text(client_list());
    }
    if (name == "kill" && words.size() == 4 && lower(words[2]) == "id") {
        std::int64_t target = 0;
        if (!number(words[3], target) || target <= 0) {
            return error("ERR client-id should be greater than 0");
        }
        if (!clients_.contains(target)) {
            return integer(0);
        }
        if (target == client.id) {
            return integer(0);  // SKIPME is the default.
        }
        close_client(target);
        return integer(1);
    }
    return error("ERR unknown subcommand '" + words[1] + "'. Try CLIENT HELP.");
}

ports::Reply RedisServer::config(const Words& words) {
    const std::string name = lower(words[1]);
    if (name == "rewrite" && words.size() == 2) {
        return options_.has_config_file ? status("OK")
                                        : error("ERR The server is running without a config file");
    }
    if (name == "set" && words.size() >= 4 && words.size() % 2 == 0) {
        return config_set(words);
    }
    if (name != "get" || words.size() < 3) {
        return error("ERR unknown subcommand '" + words[1] + "'. Try CONFIG HELP.");
    }
    const std::vector<std::pair<std::string, std::string>> settings{
        {"cluster-allow-replica-migration", replica_migration_ ? "yes" : "no"},
        {"cluster-announce-ip", options_.announces_ip ? options_.at.host : ""},
        {"cluster-enabled", options_.cluster_enabled ? "yes" : "no"},
        {"cluster-node-timeout", std::to_string(node_timeout_.count())},
        {"cluster-port", std::to_string(options_.bus_port)},
        {"port", std::to_string(options_.at.port)},
        {"tls-cluster", "no"},
        {"tls-port", "0"},
    };
    Reply found = array();
    for (const auto& [key, value] : settings) {
        if (std::find(words.begin() + 2, words.end(), key) != words.end()) {
            found.elements.push_back(text(key));
            found.elements.push_back(text(value));
        }
    }
    return found;
}

// All or nothing: every value is checked before one is set.
ports::Reply RedisServer::config_set(const Words& words) {
    std::int64_t timeout = node_timeout_.count();
    bool migration = replica_migration_;
    for (std::size_t i = 2; i < words.size(); i += 2) {
        const std::string key = lower(words[i]);
        const auto refused = [&](const std::string& why) {
            return error("ERR CONFIG SET failed (possibly related to argument '" + words[i] +
                         "') - " + why);
        };
        for (std::size_t other = 2; other < i; other += 2) {
            if (lower(words[other]) == key) {
                return refused("duplicate parameter");
            }
        }
        if (key == "cluster-node-timeout") {
            if (!number(words[i + 1], timeout)) {
                return refused("argument couldn't be parsed into an integer");
            }
            if (timeout < 0) {
                return refused("argument must be between 0 and 9223372036854775807 inclusive");
            }
        } else if (key == "cluster-allow-replica-migration") {
            const std::string value = lower(words[i + 1]);
            if (value != "yes" && value != "no") {
                return refused("argument must be 'yes' or 'no'");
            }
            migration = value == "yes";
        } else if (key == "cluster-enabled" || key == "cluster-port") {
            return refused("can't set immutable config");
        } else {
            return error("ERR Unknown option or number of arguments for CONFIG SET - '" + words[i] +
                         "'");
        }
    }
    node_timeout_ = std::chrono::milliseconds{timeout};
    replica_migration_ = migration;
    return status("OK");
}

ports::Reply RedisServer::role() const {
    Reply answer = array();
    if (self().is_primary) {
        answer.elements = {text("master"), integer(offset_), array()};
        return answer;
    }
    const char* state = sync_ == Sync::connected  ? "connected"
                        : sync_ == Sync::transfer ? "sync"
                                                  : "connect";
    answer.elements = {text("slave"), text(source_at_.host), integer(source_at_.port), text(state),
                       integer(offset_)};
    return answer;
}

ports::Reply RedisServer::set_key(const Words& words) {
    std::int64_t key = 0;
    if (!number(words[1], key)) {
        return error("ERR the model's keys are numbers");
    }
    if (write_key(static_cast<Key>(key))) {
        return status("OK");
    }
    // getNodeByQuery
    const Slot slot = slot_of(static_cast<Key>(key));
    const Peer* owner = nullptr;
    for (const auto& [node, peer] : table_) {
        owner = peer.slots.contains(slot) ? &peer : owner;
    }
    if (owner == nullptr) {
        return error("CLUSTERDOWN Hash slot not served");
    }
    if (!state_ok_) {
        return error("CLUSTERDOWN The cluster is down");
    }
    return error("MOVED " + std::to_string(slot.value()) + " " + to_string(owner->at));
}

}  // namespace rop::simulation
