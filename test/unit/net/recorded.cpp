#include "test/unit/net/recorded.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace rop::testing {

namespace json = boost::json;

std::vector<Recorded> recorded_scene(const std::string& file) {
    const std::string path = std::string(ROP_SOURCE_DIR) + "/test/fixtures/" + file;
    std::ifstream stream(path);
    std::stringstream text;
    text << stream.rdbuf();
    if (!stream) {
        throw std::runtime_error("no recording " + path);
    }
    std::vector<Recorded> scene;
    const json::value entries = json::parse(text.str());
    for (const auto& entry : entries.as_array()) {
        const json::object& object = entry.as_object();
        if (!object.contains("request")) {
            continue;
        }
        const json::object& response = object.at("response").as_object();
        Recorded exchange;
        exchange.method = object.at("request").at("method").as_string();
        exchange.path = object.at("request").at("path").as_string();
        exchange.status = static_cast<unsigned>(response.at("status").as_int64());
        if (const auto* note = object.if_contains("note")) {
            exchange.note = note->as_string();
        }
        for (const auto& [name, value] : response.at("headers").as_object()) {
            if (name.starts_with("X-") || name == "Content-Type") {
                exchange.headers += std::string(name) + ": " + value.as_string().c_str() + "\r\n";
            }
        }
        const json::value& body = response.at("body");
        exchange.body = body.is_string() ? std::string(body.as_string()) : json::serialize(body);
        scene.push_back(std::move(exchange));
    }
    return scene;
}

Recorded recorded(const std::vector<Recorded>& scene, const std::string& request,
                  const std::string& note) {
    for (const auto& exchange : scene) {
        if (exchange.method + " " + exchange.path == request &&
            (note.empty() || exchange.note == note)) {
            return exchange;
        }
    }
    throw std::runtime_error("not recorded: " + request + " (" + note + ")");
}

}  // namespace rop::testing
