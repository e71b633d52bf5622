// Of operator/net/impl/boost_impl.cpp what is linked, and never called.
#include <boost/asio/impl/src.hpp>
