package accept

// ParseOverflows reads /proc/net/netstat.
var ParseOverflows = parseOverflows
