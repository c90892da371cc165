/* SPDX-License-Identifier: ISC */
/* For LD_PRELOAD: this host has one interface, with the address $PQPURGE_INTERFACE. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdlib.h>

int getifaddrs(struct ifaddrs **ret)
{
	static struct sockaddr_in address = {.sin_family = AF_INET};
	static struct ifaddrs only = {.ifa_addr = (struct sockaddr *)&address};

	inet_pton(AF_INET, getenv("PQPURGE_INTERFACE"), &address.sin_addr);
	*ret = &only;
	return 0;
}

void freeifaddrs(struct ifaddrs *all)
{
	(void)all;
}
