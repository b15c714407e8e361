/* SPDX-License-Identifier: ISC */
/*
 * Where a guest announces itself: the registry's public URL (core.h) as the guest reaches it. An
 * address of this host's loopback is somewhere else for a guest here, and nowhere for one in a
 * cloud. Pure; any thread.
 */
#ifndef MIRD_ANNOUNCE_URL_H
#define MIRD_ANNOUNCE_URL_H

/* guest_host: this host as the guest sees it (api/provider.h), or NULL. Owned; NULL: nowhere. */
char *mird_announce_url(const char *public_url, const char *guest_host);

#endif
