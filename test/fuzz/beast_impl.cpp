// Of operator/net/impl/boost_impl.cpp what reads HTTP.
#include <boost/beast/src.hpp>
