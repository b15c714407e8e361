/* SPDX-License-Identifier: ISC */
/* Lets a paused domain go, by asking Xen itself: xl needs 0.2 s of a slow machine for it. */
#ifndef CAR_UNPAUSE_H
#define CAR_UNPAUSE_H

/*
 * 0, or -1 (errno): this Xen speaks another edition of the interface than any that is known here,
 * or something else is in the way; then xl has to do it. Nothing has happened in that case.
 *
 * Source: Xen's public headers domctl.h and xen.h, Linux' xen/privcmd.h.
 */
int car_domain_unpause(int domain);

#endif
