/* SPDX-License-Identifier: ISC */
/*
 * The console: the first serial port (COM1), 115200 8n1. Writing waits for the port, but not for
 * ever: when the other side stops reading, text is dropped and the service goes on.
 */
#ifndef HELLO_SERIAL_H
#define HELLO_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

void serial_init(void);
void serial_write(const char *text, size_t len);
/* One received character, if there is any. */
bool serial_read(char *ret);

#endif
