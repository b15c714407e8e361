/* SPDX-License-Identifier: ISC */
/*
 * Clouds as the OpenStack tools are told of them: the same files, variables and order, so that what
 * works with `openstack` works here and means the same project.
 *
 *     clouds      OS_CLIENT_CONFIG_FILE; clouds.yaml, .yml or .json in the current folder,
 *                 $XDG_CONFIG_HOME/openstack, ~/.config/openstack, $XDG_CONFIG_DIRS/openstack,
 *                 /etc/openstack: the first that is there, alone
 *     secure      secure.yaml likewise (OS_CLIENT_SECURE_FILE), laid over it
 *     variables   OS_*: one more cloud, "envvars" (or OS_CLOUD_NAME), unless there are none but
 *                 OS_CLOUD, OS_REGION_NAME, OS_CLOUD_NAME, OS_CLIENT_CONFIG_FILE and
 *                 OS_CLIENT_SECURE_FILE; OS_TEST*, OS_STD* and OS_LOG* do not count
 *     which       the caller's; OS_CLOUD; that of the variables; the only one
 *     profile     `profile` (or `cloud`): of clouds-public.yaml; one that is known here; a URL,
 *                 asked for /.well-known/openstack/api
 *     region      the caller's; OS_REGION_NAME, for a cloud of the files; the first of `regions`,
 *                 of `region_name`, of the profile's
 *
 * A value of the cloud beats its profile's, its region's beats both. Values in `auth` beat the same
 * ones beside it. A value that is null or an empty text is not said. {region_name} and the like in
 * URLs are filled in from the cloud's own values.
 *
 * Otherwise than theirs, and on purpose: numbers are the texts that were written (2.10 is no 2.1),
 * a key that is said twice is refused, so is a file that is named and not there; booleans are true
 * and false, not any text; a profile comes by https, or from this machine.
 *
 * Errors: MIR_USAGE (a file or value that makes no sense: with file, line, key and fix),
 * MIR_CREDENTIALS (no such cloud, none at all, or something to prove who asks is missing), and what
 * reading a file or asking for a profile gives. No text ever holds a secret.
 */
#ifndef OPENSTACK_CONFIG_H
#define OPENSTACK_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "api/error.h"
#include "openstack/cloud.h"

/* What the caller says; all borrowed until os_config_free. NULL: as the environment says. */
struct os_config_wish {
    const char *cloud, *region;
    const char *const *environment; /* "NAME=value", NULL behind the last; NULL: the process's */
    const char *folder;             /* in the place of the current one */
    const char *etc;                /* in the place of /etc */
    /* What that URL answers, owned text; NULL: by HTTP. */
    char *(*fetch)(void *ctx, const char *url, struct mir_error *err);
    void *fetch_ctx;
};

struct os_config; /* what was read; one thread at a time */

/* Owned. Blocking (files). */
struct os_config *os_config_load(const struct os_config_wish *wish, struct mir_error *err);
void os_config_free(struct os_config *config); /* wipes; NULL allowed */

/* The chosen cloud, to be cleared. Blocking where its profile is a URL. */
int os_config_cloud(struct os_config *config, struct os_cloud *ret, struct mir_error *err);

/* The cloud at that place, in the order of the files, then that of the variables; NULL behind the
 * last. */
const char *os_config_name(const struct os_config *config, size_t at);

/* --- for people: what counts, and who said so --- */

#define OS_CONFIG_ROWS_MAX 64

struct os_config_row {
    char name[48];    /* "region" */
    char value[256];  /* "(hidden)" for a secret */
    char origin[256]; /* "OS_PASSWORD", "/home/me/clouds.yaml:7", "profile ovh" */
};

/* The files, the cloud, and each value that os_config_cloud took last, also when it failed; their
 * number. */
size_t os_config_rows(const struct os_config *config, struct os_config_row ret[OS_CONFIG_ROWS_MAX]);

/* What was passed over, with the reason; NULL behind the last. */
const char *os_config_warning(const struct os_config *config, size_t at);

#endif
