package spec

import (
	"errors"
	"io/fs"
	"os"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions lists what expressions may call: HCL's usual ones, by the names that Terraform gave them.
// None of them reads the clock or the network, or anything random.
func (l *loader) functions() map[string]function.Function {
	return map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc,
		"max": stdlib.MaxFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "signum": stdlib.SignumFunc,

		"chomp": stdlib.ChompFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc,
		"join": stdlib.JoinFunc, "lower": stdlib.LowerFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
		"replace": stdlib.ReplaceFunc, "split": stdlib.SplitFunc, "strlen": stdlib.StrlenFunc, "substr": stdlib.SubstrFunc,
		"strrev": stdlib.ReverseFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc,
		"trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc,

		"chunklist": stdlib.ChunklistFunc, "coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc,
		"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
		"distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc,
		"index": stdlib.IndexFunc, "keys": stdlib.KeysFunc, "length": stdlib.LengthFunc, "lookup": stdlib.LookupFunc,
		"merge": stdlib.MergeFunc, "range": stdlib.RangeFunc, "reverse": stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc, "setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc,
		"slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,

		"tobool": stdlib.MakeToFunc(cty.Bool), "tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
		"tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)), "tonumber": stdlib.MakeToFunc(cty.Number),
		"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)), "tostring": stdlib.MakeToFunc(cty.String),
		"can": tryfunc.CanFunc, "try": tryfunc.TryFunc,

		"csvdecode": stdlib.CSVDecodeFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,

		"cidrhost": cidrHostFunc(), "cidrnetmask": cidrNetmaskFunc(),
		"cidrsubnet": cidrSubnetFunc(), "cidrsubnets": cidrSubnetsFunc(),
		"file": l.fileFunc(), "fileexists": l.fileExistsFunc(), "pathexpand": l.pathExpandFunc(),
	}
}

// oneString is the parameter list of a function of one text.
func oneString(name string) []function.Parameter {
	return []function.Parameter{{Name: name, Type: cty.String}}
}

// pathFunc is a function of one path, which is given to do as it was written and in full.
func (l *loader) pathFunc(description string, returns cty.Type, do func(written, path string) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		Description: description,
		Params:      oneString("path"),
		Type:        function.StaticReturnType(returns),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			written := args[0].AsString()
			path, err := l.path(written)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return do(written, path)
		},
	})
}

func (l *loader) fileFunc() function.Function {
	return l.pathFunc("The content of a file.", cty.String, func(written, path string) (cty.Value, error) {
		content, err := readLimited(path)
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "%s: %s", written, reason(err))
		}
		l.inputs.add("content", written, content)
		return cty.StringVal(string(content)), nil
	})
}

func (l *loader) fileExistsFunc() function.Function {
	return l.pathFunc("Whether there is a regular file of that name.", cty.Bool, func(written, path string) (cty.Value, error) {
		info, err := os.Stat(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return cty.NilVal, function.NewArgErrorf(0, "%s: %s", written, reason(err))
		}
		exists := err == nil && info.Mode().IsRegular()
		l.inputs.add("exists", written, []byte{b2i(exists)})
		return cty.BoolVal(exists), nil
	})
}

func b2i(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func (l *loader) pathExpandFunc() function.Function {
	const what = "An absolute path: ~ is the home folder, and anything else is relative to the file."
	return l.pathFunc(what, cty.String, func(_, path string) (cty.Value, error) { return cty.StringVal(path), nil })
}
