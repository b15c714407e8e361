/* SPDX-License-Identifier: ISC */
/*
 * The processes of an instance when nobody has written down who they are: a keeper that was
 * stopped or hangs before it could say so. Found through /proc; only processes of this user count.
 */
#ifndef LOCAL_HOLDERS_H
#define LOCAL_HOLDERS_H

/* SIGKILL to each other process that works in this directory and has its lock file open, which
 * only a keeper and its guest do (another daemon deleting the instance works elsewhere). dir_fd
 * borrowed. Does not wait, reports nothing: whether anything lives is told by the lock. */
void local_holders_kill(int dir_fd);

#endif
