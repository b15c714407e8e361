/* SPDX-License-Identifier: ISC */
/*
 * Switching the machine off by ACPI state S5, as the chipsets of QEMU's machines pc (PIIX4) and
 * q35 (ICH9) do it. A machine that only halts goes on costing money.
 */
#ifndef HELLO_POWER_H
#define HELLO_POWER_H

/* Returns only when the machine has neither chipset. */
void power_off(void);

#endif
