#include <map>

#include "test/simulation/redis_reply.hpp"
#include "test/simulation/redis_server.hpp"

// How many words a command has. Redis asks before anything else, a password included.
namespace rop::simulation {

namespace {

/// Exactly so many; negative: at least so many.
const std::map<std::string, int>& arities() {
    static const std::map<std::string, int> all{
        {"auth", -2},
        {"client", -2},
        {"client|getname", 2},
        {"client|id", 2},
        {"client|kill", -3},
        {"client|list", -2},
        {"client|setname", 3},
        {"cluster", -2},
        {"cluster|addslots", -3},
        {"cluster|addslotsrange", -4},
        {"cluster|bumpepoch", 2},
        {"cluster|count-failure-reports", 3},
        {"cluster|countkeysinslot", 3},
        {"cluster|delslots", -3},
        {"cluster|delslotsrange", -4},
        {"cluster|failover", -2},
        {"cluster|forget", 3},
        {"cluster|info", 2},
        {"cluster|meet", -4},
        {"cluster|myid", 2},
        {"cluster|nodes", 2},
        {"cluster|replicate", 3},
        {"cluster|set-config-epoch", 3},
        {"config", -2},
        {"config|get", -3},
        {"config|rewrite", 2},
        {"config|set", -4},
        {"dbsize", 1},
        {"info", -1},
        {"ping", -1},
        {"role", 1},
        {"set", -3},
    };
    return all;
}

bool is_container(const std::string& name) {
    return name == "client" || name == "cluster" || name == "config";
}

std::optional<ports::Reply> wrong(const std::string& name, std::size_t words) {
    const int arity = arities().at(name);
    const auto count = static_cast<int>(words);
    if (arity >= 0 ? count == arity : count >= -arity) {
        return std::nullopt;
    }
    return error("ERR wrong number of arguments for '" + name + "' command");
}

}  // namespace

std::optional<ports::Reply> refuse_words(const ports::Words& words) {
    const std::string name = lower(words[0]);
    if (!arities().contains(name)) {
        std::string arguments;
        for (std::size_t i = 1; i < words.size(); ++i) {
            arguments += "'" + words[i] + "' ";
        }
        return error("ERR unknown command '" + words[0] +
                     "', with args beginning with: " + arguments);
    }
    if (!is_container(name) || words.size() < 2) {
        return wrong(name, words.size());
    }
    const std::string whole = name + "|" + lower(words[1]);
    if (!arities().contains(whole)) {
        std::string container = name;
        for (char& letter : container) {
            letter = static_cast<char>(letter - 'a' + 'A');
        }
        return error("ERR unknown subcommand '" + words[1] + "'. Try " + container + " HELP.");
    }
    return wrong(whole, words.size());
}

}  // namespace rop::simulation
