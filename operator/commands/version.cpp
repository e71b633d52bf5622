#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "operator/commands/commands.hpp"

namespace rop::commands {

Outcome version(Format format) {
    Outcome outcome;
    if (format == Format::json) {
        boost::json::object answer;
        answer["name"] = "redis-operator";
        answer["version"] = ROP_VERSION;
        outcome.out = boost::json::serialize(answer) + "\n";
    } else {
        outcome.out = "redis-operator " ROP_VERSION "\n";
    }
    return outcome;
}

}  // namespace rop::commands
