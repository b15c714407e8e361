/* SPDX-License-Identifier: ISC */
/*
 * What the public process gives up before it speaks to anybody. Irrevocable; call once, before
 * any thread is made.
 */
#ifndef DAEMON_CONFINE_H
#define DAEMON_CONFINE_H

/* Dies with its parent, gains no privileges, leaves no core; closes every fd from
 * first_closed on; where the kernel has Landlock, reads only what resolving and TLS need, and
 * opens nothing for writing and runs nothing. Best effort: what this kernel lacks is left out (and
 * logged at debug). */
void mird_confine(int first_closed);

#endif
