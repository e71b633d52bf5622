#include <algorithm>
#include <utility>

#include "test/simulation/consul.hpp"

// Nodes, services, checks, and the sessions that hang on them.
namespace rop::simulation {

using std::chrono::seconds;

void Consul::add_node(const std::string& name, const std::string& address,
                      std::map<std::string, std::string> meta) {
    nodes_[name] = Node{address, std::move(meta)};
}

void Consul::touch_service(Service& service) {
    service.modified = advance();
    now_.service_index[service.name] = service.modified;
}

/// What the agent knows goes to the servers when there are any.
void Consul::sync(Service& service) {
    const bool heard = up_ && (!reached_ || reached_(service.node));
    if (!heard || service.passing == service.passing_in_catalog) {
        return;
    }
    service.passing_in_catalog = service.passing;
    touch_service(service);
    if (!service.passing) {
        const std::string check = service.check;
        for (auto it = sessions_.begin(); it != sessions_.end();) {
            const auto& [id, session] = *it++;
            if (std::ranges::count(session.checks, check) > 0) {
                end_session(std::string{id});
            }
        }
    }
    changed();
}

void Consul::register_instance(const std::string& node, const std::string& service_id,
                               const std::string& name, const Endpoint& at,
                               std::map<std::string, std::string> meta, bool passing) {
    Service& service = now_.services[service_id];
    service.node = node;
    service.name = name;
    service.at = at;
    service.meta = std::move(meta);
    service.check = "check:" + service_id;
    service.passing = passing;
    service.passing_in_catalog = passing;
    touch_service(service);
    now_.catalog_index = index_;
    changed();
}

void Consul::set_health(const std::string& service_id, bool passing) {
    const auto it = now_.services.find(service_id);
    if (it != now_.services.end()) {
        it->second.passing = passing;
        sync(it->second);
    }
}

void Consul::remove_instance(const std::string& service_id) {
    erase_service(service_id);
}

void Consul::erase_service(const std::string& service_id) {
    const auto it = now_.services.find(service_id);
    if (it == now_.services.end()) {
        return;
    }
    it->second.passing = false;
    it->second.passing_in_catalog = true;
    sync(it->second);  // A session does not outlive its check.
    touch_service(it->second);
    now_.catalog_index = index_;
    now_.services.erase(it);
    changed();
}

ports::Page<std::vector<ports::ServiceEntry>> Consul::health(const std::string& service,
                                                             const ConsulReader& reader) const {
    const Store& store = seen_by(reader);
    Page<std::vector<ports::ServiceEntry>> page;
    for (const auto& [id, known] : store.services) {
        if (known.name != service) {
            continue;
        }
        const Node& node = nodes_.at(known.node);
        const bool well = known.passing_in_catalog && !failed_nodes_.contains(known.node);
        ports::ServiceEntry entry;
        entry.node = known.node;
        entry.node_address = node.address;
        entry.datacenter = "dc1";
        entry.node_meta = node.meta;
        entry.service_id = id;
        entry.address = known.at.host;
        entry.port = known.at.port;
        entry.meta = known.meta;
        entry.status = well ? "passing" : "critical";
        entry.modify_index = known.modified;
        page.value.push_back(std::move(entry));
    }
    page.index = health_index(service, reader);
    return page;
}

std::uint64_t Consul::health_index(const std::string& service, const ConsulReader& reader) const {
    const Store& store = seen_by(reader);
    const bool exists = std::ranges::any_of(
        store.services, [&](const auto& known) { return known.second.name == service; });
    const auto index = store.service_index.find(service);
    return exists && index != store.service_index.end() ? index->second : store.catalog_index;
}

void Consul::node_failed(const std::string& node) {
    if (failed_nodes_.insert(node).second) {
        touch_services_of(node);
        lose_sessions(node);
    }
}

void Consul::node_returned(const std::string& node) {
    if (failed_nodes_.erase(node) > 0) {
        touch_services_of(node);
        changed();
    }
}

void Consul::touch_services_of(const std::string& node) {
    for (auto& [id, service] : now_.services) {
        if (service.node == node) {
            touch_service(service);
        }
    }
}

void Consul::agent_syncs(const std::string& node) {
    std::vector<std::string> here;
    for (const auto& [id, service] : now_.services) {
        if (service.node == node) {
            here.push_back(id);
        }
    }
    for (const std::string& id : here) {
        if (const auto it = now_.services.find(id); it != now_.services.end()) {
            sync(it->second);
        }
    }
}

void Consul::register_service(const std::string& node, const ports::TtlService& ttl) {
    Service& service = now_.services[ttl.id];
    const bool known = !service.name.empty();
    service.node = node;
    service.name = ttl.name;
    service.at = ttl.address;
    service.meta = ttl.meta;
    service.check = ttl.check_id;
    service.ttl = ttl.ttl;
    service.deregister_after = ttl.deregister_after;
    if (!known) {
        service.critical_since = clock_.now();
    }
    touch_service(service);
    now_.catalog_index = index_;
    changed();
}

Result<void> Consul::pass_check(const std::string& node, const std::string& check) {
    for (auto& [id, service] : now_.services) {
        if (service.node == node && service.check == check) {
            service.beaten = clock_.now();
            service.passing = true;
            sync(service);
            expect_beat(id);
            return ok();
        }
    }
    return Error{ErrorKind::rejected, "CheckID \"" + check + "\" does not have associated TTL"};
}

void Consul::expect_beat(const std::string& service_id) {
    const Moment beaten = now_.services.at(service_id).beaten;
    clock_.at(beaten + now_.services.at(service_id).ttl, [this, service_id, beaten] {
        const auto it = now_.services.find(service_id);
        if (it == now_.services.end() || it->second.beaten != beaten || !it->second.passing) {
            return;
        }
        it->second.passing = false;
        it->second.critical_since = clock_.now();
        sync(it->second);
        // Consul reaps what stays critical; it looks every 30 s.
        clock_.after(it->second.deregister_after + seconds{dice_.between(1, 30)},
                     [this, service_id, beaten] {
                         const auto again = now_.services.find(service_id);
                         if (again != now_.services.end() && again->second.beaten == beaten) {
                             erase_service(service_id);
                         }
                     });
    });
}

void Consul::deregister_service(const std::string& node, const std::string& service_id) {
    const auto it = now_.services.find(service_id);
    if (it != now_.services.end() && it->second.node == node) {
        erase_service(service_id);
    }
}

std::vector<ports::AgentService> Consul::agent_services(const std::string& node,
                                                        const std::string& name) const {
    std::vector<ports::AgentService> found;
    for (const auto& [id, service] : now_.services) {
        if (service.node == node && service.name == name) {
            found.push_back({id, name, service.passing ? "passing" : "critical", service.meta});
        }
    }
    return found;
}

Result<std::string> Consul::create_session(const std::string& node,
                                           const ports::SessionRequest& request) {
    Session session;
    session.node = node;
    session.ttl = request.ttl;
    session.lock_delay = request.lock_delay;
    session.renewed = clock_.now();
    if (request.ttl < seconds{10} || request.ttl > seconds{86'400}) {
        return Error{ErrorKind::rejected, "Invalid Session TTL, must be between [10s=24h0m0s]"};
    }
    for (const std::string& check : request.service_checks) {
        const auto it = std::ranges::find_if(now_.services, [&](const auto& known) {
            return known.second.node == node && known.second.check == check;
        });
        if (it == now_.services.end()) {
            return Error{ErrorKind::rejected, "Missing check '" + check + "' registration"};
        }
        if (!it->second.passing_in_catalog) {
            return Error{ErrorKind::rejected, "Check '" + check + "' is in critical state"};
        }
        session.checks.push_back(check);
    }
    const std::string id = dice_.uuid();
    sessions_.emplace(id, session);
    advance();
    expect_renewal(id);
    return std::string{id};
}

bool Consul::renew_session(const std::string& id) {
    const auto it = sessions_.find(id);
    if (it == sessions_.end()) {
        return false;
    }
    it->second.renewed = clock_.now();
    expect_renewal(id);
    return true;
}

void Consul::expect_renewal(const std::string& id) {
    const Session& session = sessions_.at(id);
    clock_.at(session.renewed + session.ttl * 2, [this, id, renewed = session.renewed] {
        const auto it = sessions_.find(id);
        if (it != sessions_.end() && it->second.renewed == renewed && up_) {
            end_session(id);
            changed();
        }
    });
}

void Consul::destroy_session(const std::string& id) {
    end_session(id);
    changed();
}

void Consul::lose_sessions(const std::string& node) {
    for (auto it = sessions_.begin(); it != sessions_.end();) {
        const auto& [id, session] = *it++;
        if (session.node == node) {
            end_session(std::string{id});
        }
    }
    changed();
}

void Consul::end_session(const std::string& id) {
    const auto it = sessions_.find(id);
    if (it == sessions_.end()) {
        return;
    }
    const seconds delay = it->second.lock_delay;
    sessions_.erase(it);
    const std::uint64_t index = advance();
    for (auto& [key, entry] : now_.kv) {
        if (entry.session == id) {
            entry.session.clear();
            entry.modified = index;
            now_.kv_index = index;
            delayed_locks_[key] = clock_.now() + delay;
        }
    }
}

}  // namespace rop::simulation
