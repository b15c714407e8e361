/* SPDX-License-Identifier: ISC */
/*
 * What a service says of its versions, and what an endpoint's address says of them. Pure; any
 * thread.
 *
 * Sources: the discovery documents of Keystone, Glance, Nova, Neutron, Cinder, Mistral and Blazar;
 * "Consuming the Service Catalog" and "Version Discovery" (API working group).
 */
#ifndef OPENSTACK_VERSIONS_H
#define OPENSTACK_VERSIONS_H

#include <jansson.h>

#include "api/error.h"
#include "openstack/cloud.h"

/* What of each service is spoken here. */
struct os_spoken {
    int major;
    const char *segment; /* of an address, where nobody says it otherwise: "v2.1" */
    bool micro;          /* it has microversions, and its document is asked for */
    bool project;        /* the project's id follows in the address */
};

const struct os_spoken *os_spoken(enum os_service service);

#define OS_MICRO_MIN 1 /* Nova 2.1: what every call here can do without */
#define OS_MICRO_BEST                                                                              \
    72 /* Nova 2.72 (Stein): from 2.69 on servers in a cell that is down are listed                \
          instead of left out; beyond it nothing is needed here */

/* "http://host:8774/prefix/v2.1/PROJECT" in its parts; `version` is NULL where none is named. */
struct os_address {
    char *before;  /* "http://host:8774/prefix"; no slash at its end */
    char *version; /* "v2.1" */
    char *behind;  /* "/PROJECT", "" mostly */
    int major, minor;
};

/* All owned. MIR_USAGE: it is no URL, or has a query. */
int os_address_split(const char *url, struct os_address *ret, struct mir_error *err);
void os_address_clear(struct os_address *address);

struct os_version {
    char id[32], status[32];
    int major, minor;         /* of the id: "v2.15" */
    int micro_min, micro_max; /* the N of 2.N; 0: none */
    char segment[32];         /* that its own address ends in: "v2"; "" unknown */
};

#define OS_VERSIONS_MAX 64

struct os_versions {
    struct os_version rows[OS_VERSIONS_MAX];
    size_t count;
};

/* A discovery document in any of its shapes. MIR_CORRUPT: it is none. */
int os_versions_read(const json_t *json, struct os_versions *ret, struct mir_error *err);

/* The newest of that major version that is no experiment; NULL: there is none. */
const struct os_version *os_versions_newest(const struct os_versions *versions, int major);

/* The microversion to speak: `pin` ("2.79", "2", "latest", NULL) is the user's. MIR_USAGE: the pin
 * is none, or the service does not have it. */
int os_micro_choose(const struct os_version *version, const char *pin, int *ret,
                    struct mir_error *err);

#endif
