#include <string>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "api/json/document.hpp"
#include "api/json/spec_json.hpp"
#include "operator/commands/spec_file.hpp"
#include "operator/loop/documents.hpp"

namespace rop::commands {
namespace {

std::string stem_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
    return file.substr(0, file.find('.'));
}

/// The name that the document gives itself, if it can be read at all.
std::string name_inside(const std::string& text) {
    const auto document = json::parse_document(text);
    if (document.has_error()) {
        return "";
    }
    const json::Node* name = document.value().find("name");
    return name != nullptr && name->kind == json::Node::Kind::text ? name->text : "";
}

}  // namespace

Result<ClusterName> name_of(const SpecFile& file) {
    std::string name = file.name;
    std::string where = "--name";
    if (name.empty()) {
        name = name_inside(file.text);
        where = "the name in " + file.path;
    }
    if (name.empty() && file.path == "-") {
        return Error{ErrorKind::rejected,
                     "a spec from standard input needs a name: give --name NAME"};
    }
    if (name.empty()) {
        name = stem_of(file.path);
        where = "the file's name";
    }
    if (!loop::is_cluster_name(name)) {
        return Error{ErrorKind::rejected, where + " would be the cluster's name: \"" +
                                              printable(name).substr(0, 80) + "\" must be " +
                                              std::string(name_rule) + "; give --name NAME"};
    }
    return ClusterName(std::move(name));
}

std::string summary(const ClusterSpec& spec) {
    std::string text = std::to_string(spec.primaries) +
                       (spec.primaries == 1 ? " primary with " : " primaries with ") +
                       counted(spec.replicas_per_primary, "replica") +
                       (spec.primaries == 1 ? "" : " each") + ", service " + spec.service;
    if (spec.nomad) {
        text += ", Nomad " + spec.nomad->job + "/" + spec.nomad->group;
        if (spec.nomad->nomad_namespace != "default") {
            text += " in " + spec.nomad->nomad_namespace;
        }
    }
    return text;
}

Outcome refused(const SpecFile& file, const std::vector<Problem>& problems, Format format) {
    if (format == Format::json) {
        boost::json::array list;
        for (const auto& problem : problems) {
            boost::json::object entry;
            entry["path"] = problem.path;
            entry["value"] = problem.value;
            entry["rule"] = problem.rule;
            entry["nearest"] = problem.nearest;
            list.push_back(std::move(entry));
        }
        boost::json::object answer;
        answer["valid"] = false;
        answer["problems"] = std::move(list);
        return Outcome{ExitCode::bad_usage, boost::json::serialize(answer) + "\n", ""};
    }
    std::string text = "error: " + (file.path == "-" ? "standard input" : file.path) +
                       " is not a valid spec (" + counted(problems.size(), "problem") + "):\n";
    for (const auto& problem : problems) {
        text += "  " + printable(to_string(problem)) + "\n";
    }
    return Outcome{ExitCode::bad_usage, "", std::move(text)};
}

Outcome validate(const SpecFile& file, Format format) {
    const auto name = name_of(file);
    if (name.has_error()) {
        return failure(name.error().what, ExitCode::bad_usage);
    }
    const json::SpecParse parse = json::parse_spec(file.text, name.value().value());
    if (!parse.spec) {
        return refused(file, parse.problems, format);
    }
    if (format == Format::json) {
        boost::json::object answer;
        answer["valid"] = true;
        answer["name"] = name.value().value();
        answer["problems"] = boost::json::array();
        return Outcome{ExitCode::done, boost::json::serialize(answer) + "\n", ""};
    }
    return Outcome{ExitCode::done,
                   name.value().value() + ": valid: " + printable(summary(*parse.spec)) + "\n", ""};
}

}  // namespace rop::commands
