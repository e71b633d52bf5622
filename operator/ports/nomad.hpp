#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "api/snapshot.hpp"
#include "api/time.hpp"
#include "operator/ports/consul.hpp"

namespace rop::ports {

/// One allocation as the list endpoint shows it. `facts.client_connected` is filled in by the
/// snapshot builder, which knows the nodes.
struct Allocation {
    std::string id;
    std::string node_name;
    NomadFacts facts;

    friend bool operator==(const Allocation&, const Allocation&) = default;
};

struct NomadNode {
    std::string id;
    std::string name;
    std::string datacenter;
    std::string status;  // initializing ready down disconnected
    bool draining = false;
    bool eligible = true;
    std::map<std::string, std::string> meta;  // Empty in lists: only the detail has it.
    std::string consul_name;                  // Attribute unique.consul.name; only in the detail.

    friend bool operator==(const NomadNode&, const NomadNode&) = default;
};

/// Secrets, mostly: never logged, never part of an error.
using VariableItems = std::map<std::string, std::string>;

/// What we need of Nomad, typed. Errors as for Consul. Reads go to the leader (not ?stale).
class NomadPort {
  public:
    virtual ~NomadPort() = default;
    template <class T>
    using Answer = boost::asio::awaitable<Result<T>>;

    /// All allocations of a job, terminal ones too. A job that does not exist: an empty list.
    virtual Answer<Page<std::vector<Allocation>>> allocations(std::string nomad_namespace,
                                                              std::string job,
                                                              BlockingQuery query) = 0;
    virtual Answer<Page<std::vector<NomadNode>>> nodes(BlockingQuery query) = 0;
    virtual Answer<NomadNode> node(std::string id) = 0;
    /// job_exists is false for an unknown job.
    virtual Answer<GroupFacts> group(std::string nomad_namespace, std::string job,
                                     std::string group) = 0;
    /// Sets the count if the job is still at `job_modify_index` (servers before 1.8.2 ignore the
    /// index). Refusals ("blocked due to active deployment", limits) are `rejected`.
    virtual Answer<void> scale(NomadTarget target, std::uint32_t count,
                               std::uint64_t job_modify_index, std::string message) = 0;
    /// The items of a variable (Nomad 1.4). One that does not exist: nullopt in the page.
    virtual Answer<Page<std::optional<VariableItems>>> variable(std::string nomad_namespace,
                                                                std::string path,
                                                                BlockingQuery query) = 0;
};

}  // namespace rop::ports
