//! Ways to write what must not be called, and a few that must: the tables of the tests, here and over real sockets.

/// Hosts of this machine that [`OutboundPolicy::loopback`](super::OutboundPolicy) opens or that come close.
pub const LOOPBACK_HOSTS: &str = "
    127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254 127.255.255.255 127.1 127.0.1 127.65530 2130706433 2130706434
    0x7f000001 0X7F000001 0x7f.0x0.0x0.0x1 0x7f.1 0x7f.0.0.1 0177.0.0.1 0177.0.0.01 0177.1 00000177.0.0.1
    017700000001 127.0.0.0x1 127.0x0.0.1 127.00.00.01 0x7f.0.0.01 0x7f000001. 127.0.0.1.
    %31%32%37.0.0.1 127%2e0%2e0%2e1 127.0.0.1%2e １２７.０.０.１ 127。0。0。1 127．0．0．1 127｡0｡0｡1 ①②⑦.⓪.⓪.①
    [::1] [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [::0001] [::0.0.0.1]
    localhost LOCALHOST LocalHost ｌｏｃａｌｈｏｓｔ ⓛⓞⓒⓐⓛⓗⓞⓢⓣ loc%61lhost %6c%6f%63%61%6c%68%6f%73%74 local\u{ad}host";

/// What else is near, by what it is.
const NEAR_HOSTS: [(&str, &str); 12] = [
    ("names of this machine", "
        localhost. localhost.. localhost。 foo.localhost a.b.localhost foo.localhost. foo.LOCALHOST
        localhost.localdomain localhost6.localdomain6 localhost6 ip6-localhost"),
    ("this network", "0.0.0.0 0 0x0 00 0.0 0.0.0 0.1.2.3 0.255.255.255 %30"),
    ("private", "
        10.0.0.0 10.0.0.1 10.1 10.255.255.255 167772161 0x0a000001 012.0.0.1 0xa.1
        172.16.0.0 172.16.0.1 172.20.10.1 172.31.255.255 2886729729 0xac100001 0254.020.0.1
        192.168.0.0 192.168.0.1 192.168.1.1 192.168.255.255 3232235521 0xc0a80001 0300.0250.0.1 192.168.257 192.11010049
        100.64.0.0 100.64.0.1 100.100.100.200 100.127.255.255 1684300900 0x64.0x40.0.1"),
    ("metadata of clouds", "
        169.254.169.254 169.254.0.0 169.254.0.1 169.254.255.255 2852039166 0xa9fea9fe 0xA9FEA9FE 0xa9.0xfe.0xa9.0xfe
        0251.0376.0251.0376 025177524776 169.254.43518 169.16689662 169.254.170.2 169.254.169.123 １６９.254.169.254
        169。254。169。254 [fd00:ec2::254] [fd20:ce::254] metadata metadata.google.internal METADATA.GOOGLE.INTERNAL
        metadata.google.internal. metadata.google.internal。 instance-data.ec2.internal
        ip-10-0-0-1.eu-west-1.compute.internal"),
    ("special by registry", "
        192.0.0.0 192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.10 192.0.0.170 192.0.0.192 192.0.0.255 192.0.2.0 192.0.2.1
        192.0.2.255 192.88.99.0 192.88.99.1 198.18.0.0 198.18.0.1 198.19.255.255 198.51.100.0 198.51.100.1
        198.51.100.255 203.0.113.0 203.0.113.1 203.0.113.255"),
    ("multicast, reserved, broadcast", "
        224.0.0.0 224.0.0.1 224.0.0.251 232.1.1.1 239.255.255.250 239.255.255.255 240.0.0.0 240.0.0.1 250.1.2.3
        255.255.255.254 255.255.255.255 4294967295 0xffffffff 037777777777"),
    ("IPv4 within IPv6", "
        [::] [::0] [0:0:0:0:0:0:0:0] [::2] [::127.0.0.1] [::7f00:1] [::10.0.0.1] [::8.8.8.8] [::ffff:127.0.0.1]
        [::ffff:7f00:1] [::FFFF:7F00:0001] [0:0:0:0:0:ffff:127.0.0.1] [::ffff:10.0.0.1] [::ffff:192.168.0.1]
        [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::ffff:0.0.0.0] [::ffff:172.16.0.1] [::ffff:100.64.0.1]
        [::ffff:8.8.8.8] [::ffff:0:127.0.0.1] [::ffff:0:7f00:1] [::ffff:0:8.8.8.8]"),
    ("IPv4 behind gateways", "
        [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::10.0.0.1] [64:ff9b::169.254.169.254] [64:ff9b::a9fe:a9fe]
        [64:ff9b::192.168.0.1] [64:ff9b::0.0.0.0] [64:ff9b::1:808:808] [64:ff9b:1::127.0.0.1] [64:ff9b:1::1]
        [64:ff9b:1::8.8.8.8] [64:ff9b:1:ffff::8.8.8.8] [2002:7f00:1::] [2002:7f00:1::1] [2002:0a00:1::]
        [2002:a9fe:a9fe::] [2002:c0a8:1::1] [2002:ac10:1::1] [2002:6440:1::] [2002::1] [2002:ffff:ffff::1]
        [2002:e000:1::] [2001::1] [2001:0:4136:e378:8000:63bf:3fff:fdd2] [2001:0:7f00:1::] [2001:0:a00:1::1]"),
    ("IPv6 for protocols and documents", "
        [2001:1::1] [2001:1::2] [2001:2::1] [2001:3::1] [2001:4:112::1] [2001:10::1] [2001:20::1] [2001:30::1]
        [2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff] [2001:db8::] [2001:db8::1]
        [2001:db8:ffff:ffff:ffff:ffff:ffff:ffff] [3fff::] [3fff::1] [3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff]
        [100::] [100::1] [100:0:0:1::1] [5f00::1] [1fff::1] [4000::1] [8000::1] [e000::1]"),
    ("IPv6 of a network or link", "
        [fc00::] [fc00::1] [fd00::1] [fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff] [fe80::] [fe80::1] [fe80::a9fe:a9fe]
        [febf::1] [fe80::1%eth0] [fe80::1%25eth0] [fec0::1] [feff::1] [ff00::] [ff01::1] [ff02::1] [ff02::2]
        [ff05::1:3] [ff0e::1] [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]"),
    ("names of a network", "
        local printer.local PRINTER.LOCAL printer.local. printer.ｌｏｃａｌ internal db.internal host.docker.internal
        kubernetes.default.svc.cluster.local router.home.arpa home.arpa router.lan nas.home wiki.corp wiki.intranet
        db.private router kubernetes com hooks.example.com. hooks.example.com。 hooks.example.com%2e
        hooks..example.com .example.com . .. hooks.example.com.."),
    ("no hosts", "
        256.256.256.256 1.2.3.4.5 127.0.0.256 4294967296 0x100000000 127.0.0.0x100 hooks.1 hooks.0x7f 08.8.8.8
        [::1 ::1 [127.0.0.1] [::ffff:127.0.0.256] [1:2:3:4:5:6:7] exa<mple.com exa%00mple.com exa%20mple.com"),
];

/// All of them: none is on the public internet.
pub fn blocked_hosts() -> impl Iterator<Item = &'static str> {
    let near = NEAR_HOSTS.iter().flat_map(|(_, hosts)| hosts.split_whitespace());
    LOOPBACK_HOSTS.split_whitespace().chain(near)
}

/// Whole URLs that must not be called.
pub const BLOCKED_URLS: &[&str] = &[
    "",
    " ",
    "hooks.example.com",
    "//hooks.example.com/",
    "/hook",
    "https://",
    "https:///",
    "https://:443/",
    "http://hooks.example.com/",
    "HTTP://hooks.example.com/",
    "http://8.8.8.8/",
    "ftp://hooks.example.com/",
    "ws://hooks.example.com/",
    "wss://hooks.example.com/",
    "gopher://hooks.example.com:70/_GET",
    "dict://hooks.example.com:11111/",
    "ldap://hooks.example.com/",
    "file:///etc/passwd",
    "file://hooks.example.com/etc/passwd",
    "data:text/plain,hook",
    "javascript:alert(1)",
    "jar:https://hooks.example.com!/",
    "unix:/var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/containers/json",
    "view-source:https://hooks.example.com/",
    "https://user@hooks.example.com/",
    "https://user:pass@hooks.example.com/",
    "https://:pass@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://hooks.example.com%40127.0.0.1/",
    "https://127.0.0.1@hooks.example.com/",
    "https://127.0.0.1#@hooks.example.com/",
    "https://127.0.0.1?@hooks.example.com/",
    "https://127.0.0.1\\@hooks.example.com/",
    "https://127.0.0.1:80:80/",
    "https:127.0.0.1/",
    "https:/127.0.0.1/",
    "https:\\\\127.0.0.1\\",
    "https:////127.0.0.1/",
    " https://127.0.0.1/ ",
    "ht\ntps://127.0.0.1/",
    "https://127.0.\t0.1/",
    "https://127.0.0.1\r\n/",
    "HTTPS://127.0.0.1/",
    "https://hooks.example.com:0/",
    "https://hooks.example.com:21/",
    "https://hooks.example.com:22/",
    "https://hooks.example.com:25/",
    "https://hooks.example.com:000025/",
    "https://hooks.example.com:110/",
    "https://hooks.example.com:465/",
    "https://hooks.example.com:587/",
    "https://hooks.example.com:6667/",
    "https://hooks.example.com:65536/",
    "https://hooks.example.com:-1/",
];

/// URLs that may be called, each with what is called then.
pub const ALLOWED_URLS: &[(&str, &str)] = &[
    ("https://hooks.example.com/", "https://hooks.example.com/"),
    ("https://HOOKS.Example.COM/A/b?c=d", "https://hooks.example.com/A/b?c=d"),
    ("https://hooks.example.com:443/", "https://hooks.example.com/"),
    ("https://hooks.example.com:8443/", "https://hooks.example.com:8443/"),
    ("https://hooks.example.com/#part", "https://hooks.example.com/"),
    ("https://hooks.example.com#@127.0.0.1/", "https://hooks.example.com/"),
    ("https://hooks.example.com\\@127.0.0.1/", "https://hooks.example.com/@127.0.0.1/"),
    ("https://hooks.example.com/?to=http://127.0.0.1/", "https://hooks.example.com/?to=http://127.0.0.1/"),
    ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ("https://local.example.com/", "https://local.example.com/"),
    ("https://localhost.example.com/", "https://localhost.example.com/"),
    ("https://internal.example.com/", "https://internal.example.com/"),
    ("https://hooks.notlocal/", "https://hooks.notlocal/"),
    ("https://8.8.8.8/", "https://8.8.8.8/"),
    ("https://134744072/", "https://8.8.8.8/"),
    ("https://0x08080808/", "https://8.8.8.8/"),
    ("https://9.255.255.255/", "https://9.255.255.255/"),
    ("https://11.0.0.1/", "https://11.0.0.1/"),
    ("https://100.63.255.255/", "https://100.63.255.255/"),
    ("https://100.128.0.1/", "https://100.128.0.1/"),
    ("https://126.255.255.255/", "https://126.255.255.255/"),
    ("https://128.0.0.1/", "https://128.0.0.1/"),
    ("https://169.253.255.255/", "https://169.253.255.255/"),
    ("https://169.255.0.1/", "https://169.255.0.1/"),
    ("https://172.15.255.255/", "https://172.15.255.255/"),
    ("https://172.32.0.1/", "https://172.32.0.1/"),
    ("https://192.0.1.1/", "https://192.0.1.1/"),
    ("https://192.167.255.255/", "https://192.167.255.255/"),
    ("https://192.169.0.1/", "https://192.169.0.1/"),
    ("https://198.17.255.255/", "https://198.17.255.255/"),
    ("https://198.20.0.1/", "https://198.20.0.1/"),
    ("https://223.255.255.255/", "https://223.255.255.255/"),
    ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"),
    ("https://[2001:200::1]/", "https://[2001:200::1]/"),
    ("https://[2001:db7::1]/", "https://[2001:db7::1]/"),
    ("https://[2001:db9::1]/", "https://[2001:db9::1]/"),
    ("https://[2002:808:808::1]/", "https://[2002:808:808::1]/"),
    ("https://[3fff:1000::1]/", "https://[3fff:1000::1]/"),
    ("https://[64:ff9b::8.8.8.8]/", "https://[64:ff9b::808:808]/"),
];
