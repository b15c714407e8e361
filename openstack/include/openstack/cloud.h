/* SPDX-License-Identifier: ISC */
/*
 * One cloud as its user described it: who asks, where its Keystone is, and what differs from an
 * ordinary OpenStack. openstack/config.h reads it from clouds.yaml and OS_* variables;
 * openstack/session.h talks to it. The names are those of clouds.yaml.
 *
 * Sources: openstacksdk, doc/source/user/config/configuration.rst and config/loader.py; the manual
 * page of python-openstackclient.
 */
#ifndef OPENSTACK_CLOUD_H
#define OPENSTACK_CLOUD_H

#include <stdbool.h>

enum os_service {
    OS_IDENTITY = 0, /* Keystone */
    OS_IMAGE,        /* Glance */
    OS_COMPUTE,      /* Nova */
    OS_NETWORK,      /* Neutron */
    OS_OBJECT_STORE, /* Swift */
    OS_VOLUME,       /* Cinder */
    OS_WORKFLOW,     /* Mistral */
    OS_RESERVATION,  /* Blazar */
    OS_SERVICE_COUNT
};

enum os_auth_type {
    OS_AUTH_PASSWORD = 0,
    OS_AUTH_APPLICATION_CREDENTIAL,
    OS_AUTH_TOKEN,
    OS_AUTH_NONE /* endpoint overrides only, no token is sent ("none", "noauth") */
};

/* A name is unique within its domain only; an id everywhere. Each may be NULL. */
struct os_named {
    char *id, *name;
    char *domain_id, *domain_name;
};

/* What was said of one service; each may be NULL. */
struct os_service_choice {
    char *endpoint_override; /* used instead of what the catalog says */
    char *api_version;       /* "2", "2.79" */
    char *microversion;      /* default_microversion */
    char *service_type, *service_name;
    char *interface, *region; /* instead of the cloud's */
};

/* All texts owned, NULL where nothing was said; os_cloud_clear. */
struct os_cloud {
    char *name; /* "mycloud", "envvars" */
    enum os_auth_type auth_type;
    char *auth_url; /* "https://keystone.example:5000/v3", with or without its version */
    struct os_named user;
    struct os_named
        project; /* the scope, unless an application credential or a token has its own */
    char *domain_id, *domain_name; /* a scope that is a domain: known, and refused: nothing can be
                                      deployed into one */
    char *system_scope;            /* likewise */
    char *password;                /* secret */
    struct os_named application;   /* credential: its id, or its name and then its user */
    char *application_secret;      /* secret */
    char *token;                   /* secret */

    char *region;    /* NULL: the only one of the catalog */
    char *interface; /* "public" (NULL), "internal", "admin" */
    struct os_service_choice services[OS_SERVICE_COUNT];

    bool insecure;    /* verify: false was said, in as many words */
    char *cacert;     /* PEM file instead of the system's certificates */
    char *cert, *key; /* PEM files: the client's own */
    bool force_ipv4;

    /* What a vendor's profile knows of its cloud. */
    char *image_format;       /* "raw", "qcow2", "vhd" */
    bool image_api_use_tasks; /* images come through Glance's tasks */
    int requires_floating_ip; /* 1 yes, 0 no, -1 to be found out */
    char *secgroup_source;    /* "neutron" (NULL), "nova", "none" */
    char *floating_ip_source; /* "neutron" (NULL), "nova", "none" */
    char *external_network;   /* of `networks:`, the one with routes_externally */
    char *default_network;    /* likewise default_interface, or nat_destination */
};

/* Frees its texts, wipes the secrets among them, and zeroes it. */
void os_cloud_clear(struct os_cloud *cloud);

/* Nothing in it was said otherwise. */
bool os_cloud_same(const struct os_cloud *a, const struct os_cloud *b);

/* One row per service; the only place where services meet the catalog's words. */
struct os_service_info {
    const char *type;           /* "compute": in clouds.yaml and the catalog */
    const char *const *aliases; /* other types that catalogs have used for it; ends with NULL */
    const char *title;          /* for people: "Nova" */
    const char *variable;       /* OS_<this>_ENDPOINT_OVERRIDE: "COMPUTE" */
};

const struct os_service_info *os_service_info(enum os_service service); /* never NULL */

#endif
