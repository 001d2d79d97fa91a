module github.com/slipway/slipway/distro/pause

go 1.26.0
